"""Client of the maps of how all networks of a probe set relate."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

import httpx

from zooscope.client.map_table import MapTable
from zooscope.client.paging import paged
from zooscope.client.pictures import ImageBytes
from zooscope.client.polling import CreateRequest, get_or_create
from zooscope.client.rankings import Metric
from zooscope.client.references import in_path
from zooscope.client.results import MapSnapshot
from zooscope.client.transport import Resource

MapFormat = Literal["json", "csv", "npz", "graphml", "svg", "png"]
Picture = Literal["matrix", "tree", "layout", "neighbors"]
Linkage = Literal["single", "average", "ward"]
Theme = Literal["light", "dark"]
MapMatrix = Literal["node", "edge", "valid", "score"]


class MapOptions(TypedDict, total=False):
    """Options of a map; the zoo chooses a default for each that is absent or None.

    Attributes:
        metric: Similarity: ``depara``, ``depara_plus``, ``attribution``, ``rsa``, ``dds`` or ``linear_cka``.
        edge_weight: λ in node similarity + λ · edge similarity.
        linkage: Linkage of the task tree.
        k: Number of neighbors of each network.
        clusters: Number of clusters.
        comparison: ``exact`` compares all pairs, ``sketches`` estimates; by default sketches for
            more than 400 networks.
        layout: ``continued`` keeps the positions of the previous map, ``fresh`` computes new ones.
    """

    metric: Metric
    edge_weight: float | None
    linkage: Linkage
    k: int | None
    clusters: int | None
    layout: Literal["continued", "fresh"]
    comparison: Literal["exact", "sketches"] | None


class Maps(Resource):
    """``zoo.maps``: how all measured networks of a probe set relate.

    If a map is not computed yet, these calls submit the job and wait for it. A ``dataset_id`` may be
    a name.
    """

    def _path(self, dataset: str) -> str:
        return f"/maps/{in_path(self._transport, 'datasets', dataset)}"

    def show(
        self,
        dataset_id: str,
        *,
        include: Sequence[MapMatrix] = (),
        **options: Unpack[MapOptions],
    ) -> MapTable:
        """Get the map as data; ``document`` has networks, tree, clusters and positions.

        Args:
            include: Matrices of similarities that ``document`` includes, of up to 500 networks.
            options: Settings of the map.
        """
        form = {"include": list(include)}
        return MapTable(self._get_or_create(dataset_id, options, form).json())

    def content(
        self,
        dataset_id: str,
        *,
        format: MapFormat,  # noqa: A002 - the parameter's name on the wire
        picture: Picture = "matrix",
        theme: Theme = "light",
        **options: Unpack[MapOptions],
    ) -> ImageBytes:
        """Get the map as the bytes of a file; ``picture`` and ``theme`` apply to svg and png."""
        form = {"format": format, "picture": picture, "theme": theme}
        return ImageBytes(self._get_or_create(dataset_id, options, form).content)

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
        return paged(
            self._transport, f"{self._path(dataset_id)}/snapshots", params={}, limit=limit
        )

    def snapshot(
        self,
        dataset_id: str,
        map_id: str,
        *,
        include: Sequence[MapMatrix] = (),
        indices: Sequence[int] = (),
    ) -> MapTable:
        """Get an earlier map as data.

        Args:
            include: Matrices of similarities that ``document`` includes.
            indices: Positions in ``models`` of the networks that matrices show, at most 500; empty
                means all.
        """
        path = f"{self._path(dataset_id)}/snapshots/{map_id}"
        form = {"include": list(include), "indices": list(indices)}
        return MapTable(self._transport.json("GET", path, params=form))

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
        path = f"{self._path(dataset_id)}/snapshots/{map_id}"
        params = {"format": _format_of(destination), "picture": picture, "theme": theme}
        destination.write_bytes(self._transport.request("GET", path, params=params).content)
        return destination

    def _get_or_create(
        self, dataset_id: str, options: Mapping[str, Any], form: Mapping[str, Any]
    ) -> httpx.Response:
        create_request = CreateRequest("/maps", {"dataset_id": dataset_id, **options})
        path, params = self._path(dataset_id), {**options, **form}
        return get_or_create(self._transport, path, params=params, create_request=create_request)


def _format_of(path: Path) -> str:
    return path.suffix.removeprefix(".") or "json"
