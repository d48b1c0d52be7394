"""JSON on the command line and in its files, as strict as that of the service."""

from pathlib import Path
from typing import Any

from service.core.errors import ZooError
from service.core.strict_json import SHORT, long_lists, parse_json
from zooscope import ZooClientError

_FILE = long_lists(4 * 1024**2)


def json_object(path: Path, *, code: str, remedy: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ZooClientError: ``code`` if there is none; ``repeated_key``, ``number_out_of_range`` and the
            like if the service would refuse it.
    """
    try:
        value = parse_json(path.read_bytes(), _FILE)
    except OSError as error:
        raise ZooClientError(f"cannot read {path}: {error}", code=code, remedy=remedy) from error
    except ZooError as error:
        invalid = error.code == "invalid_json"
        raise ZooClientError(
            f"{path}: {error.detail}",
            code=code if invalid else error.code,
            remedy=remedy if invalid else error.remedy,
        ) from error
    if not isinstance(value, dict):
        raise ZooClientError(f"{path} holds no JSON object", code=code, remedy=remedy)
    return value


def json_or_text(text: str) -> Any:
    """The JSON value of an argument; the text itself if it is no JSON.

    Raises:
        ZooClientError: It is JSON that the service would refuse.
    """
    try:
        return parse_json(text.encode("utf-8", "surrogateescape"), SHORT)
    except ZooError as error:
        if error.code == "invalid_json":
            return text
        raise ZooClientError(error.detail, code=error.code, remedy=error.remedy) from error
