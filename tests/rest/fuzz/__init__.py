"""Generated requests against a served zoo, most of them with ids of things that exist."""
