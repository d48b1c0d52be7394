"""Layer selection: which layer of a network to cut at."""
