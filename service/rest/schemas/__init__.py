"""Wire shapes: what JSON bodies look like, one module per noun. Names end in View."""
