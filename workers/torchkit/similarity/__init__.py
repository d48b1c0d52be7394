"""Similarity of networks, and what is derived from it: sketches, trees, layouts."""
