"""Measurements of networks: graphs, estimates, heat maps, reference networks."""
