"""Downloads from the zoo."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    """Download to ``destination``; the file appears only when it is complete."""
    unfinished = destination.with_name(f".{destination.name}.part")
    try:
        with transport.stream(path, params=params) as answer, unfinished.open("wb") as file:
            total = int(answer.headers.get("Content-Length", 0))
            for block in answer.iter_bytes(BLOCK_BYTES):
                file.write(block)
                on_progress(file.tell(), total)
        os.replace(unfinished, destination)  # noqa: PTH105 - the pair of paths reads best so
    finally:
        unfinished.unlink(missing_ok=True)
    return destination


def content(transport: Transport, path: str, *, params: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of a small file, such as an image."""
    return transport.request("GET", path, params=params).content
