"""Clips with transcripts: matched, decoded and packed."""
