"""Results of a method become files and plain data."""
