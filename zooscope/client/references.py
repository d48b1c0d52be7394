"""Ids and names in the paths of requests."""

from typing import Literal
from urllib.parse import quote

from zooscope.client.transport import Transport

Noun = Literal["models", "datasets"]


def in_path(transport: Transport, noun: Noun, reference: str) -> str:
    """An id or a name as a part of a path; a name with slashes is looked up first.

    Raises:
        ZooClientError: ``model_not_found`` or ``dataset_not_found``, with near names; or
            ``ambiguous_name`` with the ``candidates``.
    """
    if "/" not in reference:
        return quote(reference, safe="")
    row = transport.json("GET", f"/{noun}/by-name/{quote(reference)}")
    return str(row["id"])


def path_of(transport: Transport, noun: Noun, reference: str) -> str:
    """The path of a network or a dataset, from its id or its name."""
    return f"/{noun}/{in_path(transport, noun, reference)}"
