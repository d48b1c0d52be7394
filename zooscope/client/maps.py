"""How all networks of a probe set relate, as a client asks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, cast

import httpx

from zooscope.client.paging import every
from zooscope.client.polling import Order, shown
from zooscope.client.results import MapSnapshot
from zooscope.client.transport import Transport

MapFormat = Literal["json", "csv", "npz", "graphml", "svg", "png"]
Picture = Literal["matrix", "tree", "layout", "neighbors"]
Linkage = Literal["single", "average", "ward"]
Theme = Literal["light", "dark"]


class MapOptions(TypedDict, total=False):
    """How a map is drawn; what is left out, or None, the zoo decides.

    ``edge_weight`` is λ; ``k`` the neighbors of each network; ``clusters`` their number.
    ``layout`` is ``continued``, where networks keep the places of the map before, or ``fresh``.
    """

    metric: Literal["depara", "depara_plus", "attribution"]
    edge_weight: float | None
    linkage: Linkage
    k: int | None
    clusters: int | None
    layout: Literal["continued", "fresh"]


class Maps:
    """``zoo.maps``: how all measured networks of a probe set relate.

    A map that is not drawn yet is ordered first, and these calls wait for it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def show(self, dataset_id: str, **options: Unpack[MapOptions]) -> dict[str, Any]:
        """The map as data; ``document`` holds networks, similarities, tree, clusters and places."""
        return cast("dict[str, Any]", self._drawn(dataset_id, options, {}).json())

    def content(
        self,
        dataset_id: str,
        *,
        format: MapFormat,  # noqa: A002 - the parameter's name on the wire
        picture: Picture = "matrix",
        theme: Theme = "light",
        **options: Unpack[MapOptions],
    ) -> bytes:
        """The map as a file in memory; ``picture`` and ``theme`` count for svg and png."""
        form = {"format": format, "picture": picture, "theme": theme}
        return self._drawn(dataset_id, options, form).content

    def download(
        self,
        dataset_id: str,
        destination: Path,
        *,
        picture: Picture = "matrix",
        theme: Theme = "light",
        **options: Unpack[MapOptions],
    ) -> Path:
        """Lay the map at ``destination``, whose suffix decides the format."""
        form = {"format": _format_of(destination), "picture": picture, "theme": theme}
        destination.write_bytes(self._drawn(dataset_id, options, form).content)
        return destination

    def snapshots(self, dataset_id: str, *, limit: int | None = None) -> Iterator[MapSnapshot]:
        """All maps ever drawn of a probe set, newest first."""
        return every(self._transport, f"/maps/{dataset_id}/snapshots", params={}, limit=limit)

    def snapshot(self, dataset_id: str, map_id: str) -> dict[str, Any]:
        """A map as it was drawn once, as data."""
        path = f"/maps/{dataset_id}/snapshots/{map_id}"
        return cast("dict[str, Any]", self._transport.json("GET", path))

    def download_snapshot(
        self,
        dataset_id: str,
        map_id: str,
        destination: Path,
        *,
        picture: Picture = "matrix",
        theme: Theme = "light",
    ) -> Path:
        """Lay a map as it was drawn once at ``destination``, whose suffix decides the format."""
        path = f"/maps/{dataset_id}/snapshots/{map_id}"
        params = {"format": _format_of(destination), "picture": picture, "theme": theme}
        destination.write_bytes(self._transport.request("GET", path, params=params).content)
        return destination

    def _drawn(
        self, dataset_id: str, options: Mapping[str, Any], form: Mapping[str, str]
    ) -> httpx.Response:
        order = Order("/maps", {"dataset_id": dataset_id, **options})
        path, params = f"/maps/{dataset_id}", {**options, **form}
        return shown(self._transport, path, params=params, order=order)


def _format_of(path: Path) -> str:
    return path.suffix.removeprefix(".") or "json"
