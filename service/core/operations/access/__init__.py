"""Who may do what: API keys, their cache, and idempotent requests."""
