"""The web: pages as facts and as a text tree, however they are read."""
