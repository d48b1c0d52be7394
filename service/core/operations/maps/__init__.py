"""Transferability maps: how all measured networks of a probe set relate."""
