"""One servicer per noun: translate in, call one operation, translate out."""
