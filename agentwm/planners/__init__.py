"""Planners: they look ahead in the world model and choose what to do."""
