"""Rankings of candidates for one target, by every metric."""
