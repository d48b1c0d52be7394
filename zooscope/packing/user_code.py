"""Code of the user's own runs here; whatever it raises becomes an error with a remedy."""

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path

from zooscope.packing.refusal import PackingError

_OURS = Path(__file__).resolve().parent
_LONGEST = 500


@contextlib.contextmanager
def running(code: str, what: str, remedy: str) -> Iterator[None]:
    """Whatever the block raises is a ``PackingError`` that names the line it came from.

    Args:
        code: The error's code.
        what: What failed, as the beginning of a sentence: "mynet.py cannot be imported".
        remedy: What the user can do about it.

    Raises:
        PackingError: With ``code``; an error that already is one passes unchanged.
    """
    try:
        yield
    except PackingError:
        raise
    except (Exception, SystemExit) as error:
        raise PackingError(code, f"{what}: {_described(error)}", remedy) from error


def _described(error: BaseException) -> str:
    """Type and message of an error, and the first line outside of this package that led to it."""
    reason = f"{type(error).__name__}: {error}"[:_LONGEST]
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("<") or _is_ours(Path(frame.filename)):
            continue
        return f"{reason} ({frame.filename}, line {frame.lineno})"
    return reason


def _is_ours(file: Path) -> bool:
    return file.parent == _OURS or file.match("importlib/__init__.py")
