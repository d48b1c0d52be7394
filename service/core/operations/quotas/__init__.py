"""Quotas of projects: limits, use, admission of what is new, and which jobs may run."""
