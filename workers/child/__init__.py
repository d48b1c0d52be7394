"""Inside the sandbox: torch, but no database, no queue and no network."""
