"""Requests for maps: which map, its drawing and its format."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.depara import EDGE_WEIGHTS, DeparaParams, settings_of
from service.core.catalog.measurement import Metric
from service.core.catalog.transferability_map import (
    MOST_CLUSTERS,
    MOST_NEIGHBORS,
    Linkage,
    TransferabilityMapParams,
)
from service.core.errors import InvalidRequestError
from service.core.manifest import Strict
from service.core.operations.rankings.schemas import AnyId, EdgeWeight
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


class MapForm(Strict):
    """The format of a map; ``picture`` and ``theme`` apply to svg and png."""

    format: MapFormat = MapFormat.JSON
    picture: MapPicture = MapPicture.MATRIX
    theme: Theme = Field(Theme.LIGHT, description="Colors of an SVG or PNG")


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

    def params(self) -> TransferabilityMapParams:
        """The parameters of the job that computes it.

        Raises:
            InvalidRequestError: ``edge_weight_not_supported``: attribution has no edges.
        """
        if self.metric not in EDGE_WEIGHTS and self.edge_weight:
            raise InvalidRequestError(
                "the metric attribution has no edges",
                code="edge_weight_not_supported",
                remedy="omit edge_weight",
            )
        default = EDGE_WEIGHTS.get(self.metric, 0.0)
        weight = default if self.edge_weight is None else self.edge_weight
        return TransferabilityMapParams(
            settings=settings_of(self.metric, DeparaParams()),
            edge_weight=weight,
            linkage=self.linkage,
            k=self.k,
            clusters=self.clusters,
        )


class MapRequest(MapForm, MapLook):
    """An existing map and its format."""

    @property
    def look(self) -> MapLook:
        """The settings without the format."""
        return MapLook(**{name: getattr(self, name) for name in MapLook.model_fields})


class NewMapRequest(MapLook):
    """A map to compute, of all networks measured so far on a probe set."""

    dataset_id: AnyId
