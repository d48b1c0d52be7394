"""Uploads to the zoo: hashed first, sent in parts, resumed after broken connections."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zooscope.client.errors import ZooClientError
from zooscope.client.file_names import wire_name
from zooscope.client.transport import Transport, is_transient

MEBIBYTE = 1024**2
BLOCK_BYTES = MEBIBYTE
PART_BYTES = 64 * MEBIBYTE

OnProgress = Callable[[int, int], None]
"""Callback with the transferred bytes and the total bytes."""


def ignore_progress(sent: int, total: int) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Upload:
    """One file that is being sent."""

    transport: Transport
    path: Path
    id: str
    size: int
    on_progress: OnProgress
    part_bytes: int

    def send_from(self, offset: int) -> None:
        """Send everything from ``offset`` on; after each break, resume at the zoo's offset.

        Raises:
            ZooClientError: The zoo refused, or repeated attempts transferred no byte.
        """
        failures = 0
        while True:
            try:
                offset = self._send_part(offset)
                if offset == self.size:
                    return
                failures = 0
            except ZooClientError as error:
                if error.code == "upload_complete":
                    return
                failures += 1
                if not _can_resume(error) or failures >= self.transport.retry_policy.attempts:
                    raise
                self.transport.pause(error, failures)
                offset, before = self._offset_at_the_zoo(), offset
                failures = 0 if offset > before else failures

    def _send_part(self, offset: int) -> int:
        """The offset after one more part; an empty one lets the zoo verify what it has."""
        length = min(self.part_bytes, self.size - offset)
        self.transport.request(
            "PATCH",
            f"/uploads/{self.id}",
            headers={
                "Upload-Offset": str(offset),
                "Content-Length": str(length),
                "Content-Type": "application/octet-stream",
            },
            content=self._blocks(offset, length),
        )
        return offset + length

    def _blocks(self, offset: int, length: int) -> Iterator[bytes]:
        """The blocks of one part; each reports progress."""
        end = offset + length
        with self.path.open("rb") as file:
            file.seek(offset)
            while offset < end and (block := file.read(min(BLOCK_BYTES, end - offset))):
                yield block
                offset += len(block)
                self.on_progress(offset, self.size)

    def _offset_at_the_zoo(self) -> int:
        answer = self.transport.request("HEAD", f"/uploads/{self.id}")
        return int(answer.headers["Upload-Offset"])


def upload(
    transport: Transport,
    path: Path,
    *,
    on_progress: OnProgress = ignore_progress,
    part_bytes: int = PART_BYTES,
) -> str:
    """Send a file; return the upload id to create a model or dataset from.

    Raises:
        ZooClientError: ``file_empty``, or a refusal by the zoo.
    """
    size = path.stat().st_size
    if size == 0:
        raise ZooClientError(
            f"{path} is empty", code="file_empty", remedy="send a file that is not empty"
        )
    announced = {"size": size, "sha256": sha256_of(path), "filename": wire_name(path.name)}
    started = transport.json("POST", "/uploads", body=announced)
    sending = Upload(transport, path, started["id"], size, on_progress, part_bytes)
    sending.send_from(started["offset"])
    return sending.id


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _can_resume(error: ZooClientError) -> bool:
    return is_transient(error) or error.code == "offset_mismatch"
