"""Ours come before a package of this name that another distribution installs (opensimplex does)."""
