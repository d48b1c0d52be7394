"""Jobs: submission, lifecycle, events, artifacts, and recovery of lost jobs."""
