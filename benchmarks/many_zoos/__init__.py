"""Likeness without labels, judged on many cheap zoos; ``PROTOCOL.md`` says what was fixed beforehand."""
