"""Iterates over lists of the zoo page by page."""

from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from zooscope.client.results import Facet
from zooscope.client.transport import Transport

_PAGE_SIZE = 200


class ListCounts(TypedDict):
    """The number of items that match a query, and how many have each value of a facet."""

    total: int
    facets: list[Facet]


def counted(transport: Transport, path: str, *, params: Mapping[str, Any]) -> ListCounts:
    """The counts of a list."""
    query = {**params, "page_size": 1, "include": ["total", "facets"]}
    page = transport.json("GET", path, params=query)
    return {"total": page["total"], "facets": page["facets"]}


def paged(
    transport: Transport, path: str, *, params: Mapping[str, Any], limit: int | None
) -> Iterator[Any]:
    """The items of a list, at most ``limit`` of them; pages are fetched as needed."""
    token: str | None = None
    left = limit
    while left is None or left > 0:
        size = _PAGE_SIZE if left is None else min(left, _PAGE_SIZE)
        page = transport.json(
            "GET", path, params={**params, "page_size": size, "page_token": token}
        )
        yield from page["items"]
        token = page.get("next_page_token")
        left = None if left is None else left - len(page["items"])
        if not token:
            return
