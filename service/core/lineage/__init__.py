"""The lineage of a network as a graph: its nodes and edges, its layout, its files."""
