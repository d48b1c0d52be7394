"""What may be asked: one module per noun. Functions, Session first; they never commit."""
