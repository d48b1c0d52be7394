"""Where networks come from, as a graph: what it holds, where it stands in a picture, its files."""
