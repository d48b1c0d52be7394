"""Access: API keys, their cache, and idempotent requests."""
