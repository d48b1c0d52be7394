"""Measured accuracies, and the history that rankings learn from."""
