"""Packages that only some methods of the client need, imported on use."""

from importlib import import_module
from typing import Any

from zooscope.client.errors import ZooClientError

EXTRA = "notebook"


def imported(module: str, *, purpose: str) -> Any:
    """The module.

    Raises:
        ZooClientError: ``extra_missing``: it is not installed; the remedy names the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ZooClientError(
            f"{purpose} needs {module.partition('.')[0]}: {error}",
            code="extra_missing",
            remedy=f"pip install 'zooscope[{EXTRA}]'",
        ) from error
