"""Lineages: what a network was made from, and what was made from it."""
