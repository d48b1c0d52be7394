"""Client of the maps of how all networks of a probe set relate."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, cast

import httpx

from zooscope.client.paging import paged
from zooscope.client.polling import CreateRequest, get_or_create
from zooscope.client.results import MapSnapshot
from zooscope.client.transport import Resource

MapFormat = Literal["json", "csv", "npz", "graphml", "svg", "png"]
Picture = Literal["matrix", "tree", "layout", "neighbors"]
Linkage = Literal["single", "average", "ward"]
Theme = Literal["light", "dark"]


class MapOptions(TypedDict, total=False):
    """Options of a map; the zoo chooses a default for each that is absent or None.

    Attributes:
        metric: Similarity: ``depara``, ``depara_plus`` or ``attribution``.
        edge_weight: λ in node similarity + λ · edge similarity.
        linkage: Linkage of the task tree.
        k: Number of neighbors of each network.
        clusters: Number of clusters.
        layout: ``continued`` keeps the positions of the previous map, ``fresh`` computes new ones.
    """

    metric: Literal["depara", "depara_plus", "attribution"]
    edge_weight: float | None
    linkage: Linkage
    k: int | None
    clusters: int | None
    layout: Literal["continued", "fresh"]


class Maps(Resource):
    """``zoo.maps``: how all measured networks of a probe set relate.

    If a map is not computed yet, these calls submit the job and wait for it.
    """

    def show(self, dataset_id: str, **options: Unpack[MapOptions]) -> dict[str, Any]:
        """Get the map as data; ``document`` has networks, similarities, tree, clusters and positions."""
        return cast("dict[str, Any]", self._get_or_create(dataset_id, options, {}).json())

    def content(
        self,
        dataset_id: str,
        *,
        format: MapFormat,  # noqa: A002 - the parameter's name on the wire
        picture: Picture = "matrix",
        theme: Theme = "light",
        **options: Unpack[MapOptions],
    ) -> bytes:
        """Get the map as the bytes of a file; ``picture`` and ``theme`` apply to svg and png."""
        form = {"format": format, "picture": picture, "theme": theme}
        return self._get_or_create(dataset_id, options, form).content

    def download(
        self,
        dataset_id: str,
        destination: Path,
        *,
        picture: Picture = "matrix",
        theme: Theme = "light",
        **options: Unpack[MapOptions],
    ) -> Path:
        """Download the map to ``destination``; its suffix selects the format."""
        form = {"format": _format_of(destination), "picture": picture, "theme": theme}
        destination.write_bytes(self._get_or_create(dataset_id, options, form).content)
        return destination

    def snapshots(self, dataset_id: str, *, limit: int | None = None) -> Iterator[MapSnapshot]:
        """List all computed maps of a probe set, newest first."""
        return paged(self._transport, f"/maps/{dataset_id}/snapshots", params={}, limit=limit)

    def snapshot(self, dataset_id: str, map_id: str) -> dict[str, Any]:
        """Get an earlier map as data."""
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
        """Download an earlier map to ``destination``; its suffix selects the format."""
        path = f"/maps/{dataset_id}/snapshots/{map_id}"
        params = {"format": _format_of(destination), "picture": picture, "theme": theme}
        destination.write_bytes(self._transport.request("GET", path, params=params).content)
        return destination

    def _get_or_create(
        self, dataset_id: str, options: Mapping[str, Any], form: Mapping[str, str]
    ) -> httpx.Response:
        create_request = CreateRequest("/maps", {"dataset_id": dataset_id, **options})
        path, params = f"/maps/{dataset_id}", {**options, **form}
        return get_or_create(self._transport, path, params=params, create_request=create_request)


def _format_of(path: Path) -> str:
    return path.suffix.removeprefix(".") or "json"
