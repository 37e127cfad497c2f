"""Finds the rules behind what was seen."""
