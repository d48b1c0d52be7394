"""Staged files become the inputs of a method."""
