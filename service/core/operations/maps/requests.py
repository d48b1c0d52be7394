"""Requests for maps: which map, its drawing and its format."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.depara import DeparaParams, edge_weight_of, settings_of
from service.core.catalog.measurement import Metric
from service.core.catalog.transferability_map import (
    MOST_CLUSTERS,
    MOST_COMPARED_EXACTLY,
    MOST_NEIGHBORS,
    Linkage,
    MapComparison,
    TransferabilityMapParams,
)
from service.core.ids import DatasetId
from service.core.manifest import Strict
from service.core.operations.rankings.schemas import EdgeWeight
from service.core.theme import Theme


class MapFormat(StrEnum):
    """File format of a map."""

    JSON = "json"
    CSV = "csv"
    NPZ = "npz"
    GRAPHML = "graphml"
    SVG = "svg"
    PNG = "png"


class MapPicture(StrEnum):
    """Drawing of a map."""

    MATRIX = "matrix"
    TREE = "tree"
    LAYOUT = "layout"
    NEIGHBORS = "neighbors"


class MapLayout(StrEnum):
    """Positions of networks: those of the previous map, or a new layout."""

    CONTINUED = "continued"
    FRESH = "fresh"


class MapMatrix(StrEnum):
    """Matrix of a map: a part of the similarities, the probes that count, or s_V + λ s_E."""

    NODE = "node"
    EDGE = "edge"
    VALID = "valid"
    SCORE = "score"


LARGEST_MATRIX_IN_JSON = 500


class MapForm(Strict):
    """The format of a map.

    ``picture`` and ``theme`` apply to svg and png, ``include`` and ``indices`` to json.
    """

    format: MapFormat = MapFormat.JSON
    picture: MapPicture = MapPicture.MATRIX
    theme: Theme = Field(Theme.LIGHT, description="Colors of an SVG or PNG")
    include: list[MapMatrix] = Field(
        [], description="Matrices that the JSON document includes; none by default"
    )
    indices: list[int] = Field(
        [],
        max_length=LARGEST_MATRIX_IN_JSON,
        description="Positions in `models` of the networks that matrices show; all by default",
    )


class MapLook(Strict):
    """Settings of a map. Another λ, linkage, k or clusters needs no new measurement or comparison."""

    metric: Metric = Metric.DEPARA
    edge_weight: EdgeWeight | None = Field(
        None, description="Weight λ of edge similarity; 0.25 by default, 4 for depara_plus"
    )
    linkage: Linkage = Linkage.SINGLE
    k: int | None = Field(
        None,
        ge=1,
        le=MOST_NEIGHBORS,
        description="Number of neighbors of each network; 5 by default",
    )
    clusters: int | None = Field(
        None,
        ge=1,
        le=MOST_CLUSTERS,
        description="Number of clusters; by default the mean silhouette selects it",
    )
    layout: MapLayout = MapLayout.CONTINUED
    comparison: MapComparison | None = Field(
        None,
        description="Exact similarities of all pairs, or estimates from sketches; by default"
        f" sketches for more than {MOST_COMPARED_EXACTLY} networks",
    )

    def params(self, *, networks: int) -> TransferabilityMapParams:
        """The parameters of the job that computes it for this many networks.

        Raises:
            InvalidRequestError: ``edge_weight_not_supported``: the metric has no edges.
        """
        return TransferabilityMapParams(
            settings=self.settings(),
            edge_weight=edge_weight_of(self.metric, self.edge_weight),
            linkage=self.linkage,
            k=self.k,
            clusters=self.clusters,
            comparison=self.comparison or _default_comparison(networks),
        )

    def settings(self) -> DeparaParams:
        """The settings of the measurements that it compares."""
        return settings_of(self.metric, DeparaParams())


def _default_comparison(networks: int) -> MapComparison:
    return MapComparison.EXACT if networks <= MOST_COMPARED_EXACTLY else MapComparison.SKETCHES


class MapRequest(MapForm, MapLook):
    """An existing map and its format."""

    @property
    def look(self) -> MapLook:
        """The settings without the format."""
        return MapLook(**{name: getattr(self, name) for name in MapLook.model_fields})


class NewMapRequest(MapLook):
    """A map to compute, of all networks measured so far on a probe set."""

    dataset_id: DatasetId
