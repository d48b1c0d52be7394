"""Labeled images for few-shot learners, split into base and novel classes."""
