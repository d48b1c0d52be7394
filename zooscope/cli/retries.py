"""Why a command waits before it repeats a request: for people, and for programs."""

from typing import Any

from zooscope import Retry


def as_values(retry: Retry) -> dict[str, Any]:
    """The reason, the pause, and how many attempts are left."""
    return {
        "code": retry.error.code,
        "detail": retry.error.detail,
        "pause_seconds": round(retry.pause_seconds, 3),
        "attempts_left": retry.attempts - retry.failures,
    }


def in_words(retry: Retry) -> str:
    """The same in one line."""
    left = retry.attempts - retry.failures
    return (
        f"{retry.error.detail} ({retry.error.code}); trying again in"
        f" {retry.pause_seconds:.1f} s, {left} attempts left"
    )
