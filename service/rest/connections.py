"""Limits of the connections of a REST server, and how many are open."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from service.settings import Settings


@dataclass(frozen=True)
class ConnectionLimits:
    """Timeouts and caps of the connections of one server.

    ``body_bytes`` must arrive within every ``body_seconds`` until the body is complete.
    """

    header_seconds: float
    idle_seconds: float
    body_seconds: float
    body_bytes: float
    connections: int
    connections_per_address: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings choose."""
        return cls(
            header_seconds=settings.header_timeout_seconds,
            idle_seconds=settings.idle_timeout_seconds,
            body_seconds=settings.body_timeout_seconds,
            body_bytes=settings.body_bytes_per_second * settings.body_timeout_seconds,
            connections=settings.max_connections,
            connections_per_address=settings.max_connections_per_address,
        )

    @property
    def keep_alive_seconds(self) -> int:
        """Idle time between requests in the whole seconds that uvicorn takes."""
        return math.ceil(self.idle_seconds)


@dataclass(frozen=True)
class OpenConnections:
    """The open connections of one server, counted by address."""

    limits: ConnectionLimits
    by_address: Counter[str] = field(default_factory=Counter)

    def open(self, address: str) -> None:
        """Count a new connection."""
        self.by_address[address] += 1

    def close(self, address: str) -> None:
        """Forget a connection."""
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]

    def refusal(self, address: str) -> str | None:
        """Why the newest connection of an address is one too many; None if it is not."""
        if self.by_address[address] > self.limits.connections_per_address:
            return f"{address} has more than {self.limits.connections_per_address} connections"
        if self.by_address.total() > self.limits.connections:
            return f"this server has more than {self.limits.connections} connections"
        return None
