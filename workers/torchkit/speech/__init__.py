"""Readers of speech: networks that turn sound or pictures of lips into text."""
