"""What a job's process left is checked and stored, before any row names it.

The process is not trusted: its result must be valid, name only what belongs to the job, and every
file must be an ordinary one.
"""

import hashlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from service.core.blobs import Blob, BlobStore
from service.core.catalog import MethodKind
from service.core.errors import FieldProblem, MethodError
from service.core.results import RESULTS, JobResult, ResultScope
from workers.isolation.workdir import Scratch

Result_co = TypeVar("Result_co", bound=JobResult, covariant=True)

_LARGEST_RESULT_BYTES = 256 * 1024**2
_MOST_FILES = 1000
_CHUNK_BYTES = 1024**2
_LONGEST_REASON = 500


class UnreadableResultError(MethodError):
    """The job's process left something that is not a valid result."""

    code = "result_unreadable"

    def __init__(self, detail: str, *, pointer: str = "") -> None:
        super().__init__(
            detail,
            remedy="retry the job; if it fails again, report it with the worker's log",
            errors=[FieldProblem(pointer, detail)] if pointer else (),
        )


@dataclass(frozen=True)
class JobOutput(Generic[Result_co]):
    """The valid result of an attempt, and its stored files by name."""

    result: Result_co
    files: Mapping[str, Blob]


def collect_outputs(
    blobs: BlobStore, scratch: Scratch, kind: MethodKind, scope: ResultScope
) -> JobOutput[JobResult]:
    """The result of the attempt; exactly the files that belong to it are stored.

    Raises:
        UnreadableResultError: The result is not valid; nothing was stored.
        OSError: The machine cannot read or store.
    """
    sizes = {path.name: path.lstat().st_size for path in _regular_files(scratch)}
    result = _valid(kind, _payload(scratch.result), replace(scope, file_sizes=sizes))
    names = sorted(result.file_names())
    missing = [name for name in names if name not in sizes]
    if missing:
        raise UnreadableResultError(f"the result has no file {missing[0]}")
    return JobOutput(result, {name: stored(blobs, scratch.out / name) for name in names})


def _valid(kind: MethodKind, payload: bytes, scope: ResultScope) -> JobResult:
    """The typed result."""
    try:
        return RESULTS[kind].model_validate_json(payload, context=scope)
    except ValidationError as error:
        raise _unreadable(error.errors(include_url=False, include_input=False)[0]) from error
    except RecursionError as error:
        raise UnreadableResultError("the result is nested too deeply") from error


def _unreadable(problem: Mapping[str, Any]) -> UnreadableResultError:
    """The first problem of a result, with the field that has it."""
    pointer = "".join(f"/{part}" for part in problem["loc"])[:_LONGEST_REASON]
    reason = str(problem["msg"])[:_LONGEST_REASON]
    detail = f"the result is not valid at {pointer or '/'}: {reason}"
    printable = "".join(letter if letter.isprintable() else "?" for letter in detail)
    return UnreadableResultError(printable, pointer=pointer)


def _payload(path: Path) -> bytes:
    """The JSON text that the process wrote."""
    try:
        require_regular(path)
    except FileNotFoundError as error:
        raise UnreadableResultError("the process left no result") from error
    if path.stat().st_size > _LARGEST_RESULT_BYTES:
        raise UnreadableResultError("the result is too large")
    return path.read_bytes()


def _regular_files(scratch: Scratch) -> Iterator[Path]:
    """Every file beside the result."""
    for count, path in enumerate(sorted(scratch.out.iterdir())):
        if count > _MOST_FILES:
            raise UnreadableResultError(f"there are more than {_MOST_FILES} files")
        if path != scratch.result:
            require_regular(path)
            yield path


def require_regular(path: Path) -> None:
    """Refuse anything but an ordinary file with exactly one name."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise UnreadableResultError(f"{path.name[:100]!r} is not an ordinary file")


def stored(blobs: BlobStore, path: Path) -> Blob:
    """The file in the store, under the digest of its present bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return blobs.add(path, sha256=digest.hexdigest())
