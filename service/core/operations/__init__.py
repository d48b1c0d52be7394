"""Operations: one package per noun. Functions take the Session first and never commit."""
