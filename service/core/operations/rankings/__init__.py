"""Rankings: candidates ordered for one target, by every metric."""
