"""Compiled modules, one per room of the core. Private: use the packages above them."""
