"""Jobs: submission, life cycle, events, artifacts, and recovery of lost ones."""
