"""Measured accuracies, and the history that rankings use."""
