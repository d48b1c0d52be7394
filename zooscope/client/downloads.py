"""Downloads from the zoo."""

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zooscope.client.errors import ZooClientError
from zooscope.client.transport import Transport
from zooscope.client.uploads import BLOCK_BYTES, OnProgress, ignore_progress


def download(
    transport: Transport,
    path: str,
    destination: Path,
    *,
    params: Mapping[str, Any] | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Path:
    """Download to ``destination``; the file appears only when it is complete and has its digest."""
    unfinished = destination.with_name(f".{destination.name}.part")
    try:
        with transport.stream(path, params=params) as answer, unfinished.open("wb") as file:
            total = int(answer.headers.get("Content-Length", 0))
            digest = hashlib.sha256()
            for block in answer.iter_bytes(BLOCK_BYTES):
                digest.update(block)
                file.write(block)
                on_progress(file.tell(), total)
            _require_digest(answer.headers.get("Content-Digest"), digest.digest(), path)
        os.replace(unfinished, destination)  # noqa: PTH105 - the pair of paths reads best so
    finally:
        unfinished.unlink(missing_ok=True)
    return destination


def _require_digest(header: str | None, digest: bytes, path: str) -> None:
    """Require that the received bytes have the SHA-256 that the zoo states of them, if any.

    Raises:
        ZooClientError: ``content_digest_mismatch``.
    """
    received = f"sha-256=:{base64.b64encode(digest).decode()}:"
    if header is not None and header != received:
        raise ZooClientError(
            f"{path} arrived damaged: the zoo states {header}, received {received}",
            code="content_digest_mismatch",
            remedy="download it again",
        )


def content(transport: Transport, path: str, *, params: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of a small file, such as an image."""
    return transport.request("GET", path, params=params).content
