"""The steps of the acceptance run: prepare, upload, ask, count, draw, and write the page."""
