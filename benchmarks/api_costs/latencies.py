"""Latencies of one request over loopback, under a bounded load."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """The bytes of one HTTP/1.1 request, and where they go."""

    host: str
    port: int
    raw: bytes


@dataclass(frozen=True)
class Latencies:
    """What a load found; seconds are milliseconds here, from when the request was due."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float


def request_to(
    url: str, path: str, *, key: str | None = None, method: str = "GET", body: bytes = b""
) -> Request:
    """A request as it goes over the wire, on a connection that stays open."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address.netloc}"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    raw = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    return Request(address.hostname, address.port, raw)


def at_full_speed(request: Request, *, count: int, connections: int) -> Latencies:
    """Each connection asks again as soon as it was answered."""
    return asyncio.run(_load(request, count=count, connections=connections, per_second=None))


def at_rate(request: Request, *, count: int, connections: int, per_second: float) -> Latencies:
    """Requests are due at fixed times; a late answer also delays, and counts for, those behind it."""
    return asyncio.run(_load(request, count=count, connections=connections, per_second=per_second))


@dataclass
class _Load:
    """The positions in the queue that are still free, when they are due, and the latencies so far."""

    positions: Iterator[int]
    per_second: float | None
    began: float
    seconds: list[float]

    def due(self, position: int) -> float:
        """When a request is to be sent; now, at full speed."""
        now = time.perf_counter()
        return now if self.per_second is None else self.began + position / self.per_second


async def _load(
    request: Request, *, count: int, connections: int, per_second: float | None
) -> Latencies:
    streams = [
        await asyncio.open_connection(request.host, request.port) for _ in range(connections)
    ]
    for reader, writer in streams:
        await _answered(reader, writer, request.raw)
    load = _Load(iter(range(count)), per_second, time.perf_counter(), [])
    await asyncio.gather(*(_ask(*stream, request.raw, load) for stream in streams))
    seconds = time.perf_counter() - load.began
    for _, writer in streams:
        writer.close()
    latencies = sorted(load.seconds)
    return Latencies(
        requests=len(latencies),
        per_second=len(latencies) / seconds,
        p50_ms=1000 * statistics.median(latencies),
        p99_ms=1000 * latencies[int(0.99 * (len(latencies) - 1))],
    )


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes, load: _Load
) -> None:
    for position in load.positions:
        due = load.due(position)
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        await _answered(reader, writer, raw)
        load.seconds.append(time.perf_counter() - due)


async def _answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes
) -> None:
    """Send the request and read the whole answer. Raises RuntimeError unless it is a success."""
    writer.write(raw)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
        raise RuntimeError(head.decode(errors="replace"))
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
