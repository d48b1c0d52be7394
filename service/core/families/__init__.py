"""Relatives among networks, from sketches of their weights: pure functions, without tables or numpy."""
