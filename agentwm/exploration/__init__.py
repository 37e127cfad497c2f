"""Exploration: what is worth trying in order to learn, with or without a goal."""
