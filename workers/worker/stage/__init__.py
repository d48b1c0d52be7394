"""Rows and stored files become the inputs of a job, laid out in its work folder."""
