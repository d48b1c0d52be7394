"""Speed and memory of a large upload, beside what disk and hash allow in the same run."""

import hashlib
import http.client
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from zooscope.client.transport import RetryPolicy, Transport

MEBIBYTE = 1024**2
_BLOCK = MEBIBYTE
_WATCH_SECONDS = 0.05


@dataclass(frozen=True)
class UploadCosts:
    """Megabytes (10⁶ bytes) per second, and mebibytes of memory."""

    size_bytes: int
    disk_mb_s: float
    hash_mb_s: float
    upload_mb_s: float
    memory_before_mib: float
    memory_growth_mib: float

    @property
    def share_of_limit(self) -> float:
        """Upload speed over the slower of disk and hash."""
        return self.upload_mb_s / min(self.disk_mb_s, self.hash_mb_s)


@dataclass
class MemoryUse:
    """Resident memory of a process, before and at its highest."""

    before: int
    highest: int


def received(url: str, key: str, *, size_bytes: int, api_pid: int, scratch: Path) -> UploadCosts:
    """Upload ``size_bytes`` of noise, verified by SHA-256, through one connection."""
    block = os.urandom(_BLOCK)
    disk = size_bytes / _disk_seconds(block, size_bytes, scratch / "noise")
    began = time.perf_counter()
    digest = _digest(block, size_bytes)
    hashing = size_bytes / (time.perf_counter() - began)
    path = f"/v1/uploads/{_announced(url, key, size_bytes, digest)}"
    headers = {
        "Authorization": f"Bearer {key}",
        "Upload-Offset": "0",
        "Content-Length": str(size_bytes),
        "Content-Type": "application/octet-stream",
    }
    body = (block for _ in range(size_bytes // len(block)))
    with _watched(api_pid) as memory:
        seconds = _sending_seconds(url, headers, path, body)
    return UploadCosts(
        size_bytes=size_bytes,
        disk_mb_s=disk / 1e6,
        hash_mb_s=hashing / 1e6,
        upload_mb_s=size_bytes / seconds / 1e6,
        memory_before_mib=memory.before / MEBIBYTE,
        memory_growth_mib=(memory.highest - memory.before) / MEBIBYTE,
    )


def thrown_away(url: str, *, size_bytes: int) -> float:
    """Megabytes per second that a bare server takes from the same client, keeping nothing."""
    block = os.urandom(_BLOCK)
    body = (block for _ in range(size_bytes // len(block)))
    seconds = _sending_seconds(url, {"Content-Length": str(size_bytes)}, "/", body)
    return size_bytes / seconds / 1e6


def resident(pid: int) -> int:
    """Resident bytes of a process."""
    return int(psutil.Process(pid).memory_info().rss)


def _disk_seconds(block: bytes, size_bytes: int, path: Path) -> float:
    """Time to write and sync as many bytes to the zoo's own disk."""
    began = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(size_bytes // len(block)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def _digest(block: bytes, size_bytes: int) -> str:
    digest = hashlib.sha256()
    for _ in range(size_bytes // len(block)):
        digest.update(block)
    return digest.hexdigest()


def _announced(url: str, key: str, size_bytes: int, digest: str) -> str:
    """The id under which the zoo expects the file."""
    transport = Transport(url, key=key, retry_policy=RetryPolicy(), timeout_seconds=60)
    announcement = {"size": size_bytes, "sha256": digest, "filename": "noise.bin"}
    upload_id: str = transport.json("POST", "/uploads", body=announcement)["id"]
    transport.close()
    return upload_id


def _sending_seconds(url: str, headers: dict[str, str], path: str, body: Iterator[bytes]) -> float:
    """From the first byte until the zoo has confirmed the whole file."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=600)
    began = time.perf_counter()
    connection.request("PATCH", path, body=body, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    seconds = time.perf_counter() - began
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {content[:500]!r}")
    return seconds


@contextmanager
def _watched(pid: int) -> Iterator[MemoryUse]:
    """The process's memory while the block lasts, looked at twenty times a second."""
    memory = MemoryUse(resident(pid), resident(pid))
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_WATCH_SECONDS):
            memory.highest = max(memory.highest, resident(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        done.set()
        watcher.join()
