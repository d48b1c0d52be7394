"""Families: relatives of networks by their weights, and the lineage edges that people confirm."""
