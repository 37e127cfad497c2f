"""Worlds that agentwm can act in, found through the entry points of the group ``agentwm.environments``."""
