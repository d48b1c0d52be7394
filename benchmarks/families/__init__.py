"""Are relatives recognized? Families of small networks, made from seeds, with every relation known."""
