"""Nearest networks: a shortlist from the sketch index, then exact comparisons."""
