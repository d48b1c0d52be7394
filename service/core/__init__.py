"""The shared floor: what the zoo knows, remembers and may be asked; no framework, no torch."""
