"""Trainings: what is checked before a training job is queued."""
