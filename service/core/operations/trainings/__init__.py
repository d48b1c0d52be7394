"""Trainings: checks before a training job is queued."""
