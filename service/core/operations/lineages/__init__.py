"""Lineages: the ancestors and descendants of a network."""
