"""Backups of a zoo: one consistent state of its tables, and every file that they refer to."""
