"""Views: the shapes that both APIs answer with and accept, one module per noun. Names end in View."""
