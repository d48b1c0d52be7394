"""The worker process: database and object store, never torch."""
