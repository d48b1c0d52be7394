"""Results of jobs become rows."""
