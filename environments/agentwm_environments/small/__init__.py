"""Small worlds, fully observed and stated as facts, whose true dynamics are known.

FrozenLake, Taxi, CliffWalking, a workshop, locked rooms, Sokoban and a gamble.
"""
