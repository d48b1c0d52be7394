"""Addresses of Redis, as its clients want them."""

CONNECT_TIMEOUT_SECONDS = 2.0


def broker_url(redis_url: str) -> str:
    """The URL in Celery's form: ``unix://`` becomes ``redis+socket://``."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def client_url(redis_url: str) -> str:
    """The URL in the form of the Redis client."""
    return redis_url.replace("redis+socket://", "unix://", 1)
