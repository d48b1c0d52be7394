"""Files a child left behind become stored files, before any row names them."""

import hashlib
import json
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.core.blobs import Blob, BlobStore
from service.core.errors import MethodError
from workers.isolation.workdir import Scratch

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_LARGEST_RESULT_BYTES = 256 * 1024**2
_MOST_FILES = 1000
_CHUNK_BYTES = 1024**2


class UnreadableResultError(MethodError):
    """The child left something that is not a result."""

    code = "result_unreadable"


@dataclass(frozen=True)
class JobOutput:
    """What came of an attempt: plain ``data``, and stored ``files`` by name."""

    data: Mapping[str, Any]
    files: Mapping[str, Blob]


def collect_outputs(blobs: BlobStore, scratch: Scratch) -> JobOutput:
    """Move every file of ``out`` into the store and read the plain data.

    The child is not trusted: links, devices, strange names and oversized data are refused.
    Raises UnreadableResultError, and OSError where the machine cannot read or store.
    """
    data = _data_of(scratch.result)
    files = {path.name: stored(blobs, path) for path in _regular_files(scratch)}
    return JobOutput(data, files)


def _data_of(path: Path) -> Mapping[str, Any]:
    """The JSON object a child wrote."""
    try:
        require_regular(path)
        if path.stat().st_size > _LARGEST_RESULT_BYTES:
            raise UnreadableResultError("the result is too large")
        data = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError) as error:
        raise UnreadableResultError("the result cannot be read") from error
    if not isinstance(data, dict):
        raise UnreadableResultError("the result is not an object")
    return data


def _regular_files(scratch: Scratch) -> Iterator[Path]:
    """Every file to keep."""
    for count, path in enumerate(sorted(scratch.out.iterdir())):
        if path == scratch.result:
            continue
        require_regular(path)
        if count > _MOST_FILES or not _NAME.fullmatch(path.name):
            raise UnreadableResultError(f"unexpected file {path.name[:100]!r}")
        yield path


def require_regular(path: Path) -> None:
    """Refuse anything but a file that has this one name."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise UnreadableResultError(f"{path.name[:100]!r} is not an ordinary file")


def stored(blobs: BlobStore, path: Path) -> Blob:
    """The file in the store, under the digest of the bytes that are there now."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return blobs.add(path, sha256=digest.hexdigest())
