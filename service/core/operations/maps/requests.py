"""What is asked of a map: which one, drawn how, sent in which form."""

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
from service.core.operations.rankings.requests import AnyId, EdgeWeight
from service.core.theme import Theme


class MapFormat(StrEnum):
    """How a map is sent."""

    JSON = "json"
    CSV = "csv"
    NPZ = "npz"
    GRAPHML = "graphml"
    SVG = "svg"
    PNG = "png"


class MapPicture(StrEnum):
    """Which drawing of a map."""

    MATRIX = "matrix"
    TREE = "tree"
    LAYOUT = "layout"
    NEIGHBORS = "neighbors"


class MapLayout(StrEnum):
    """Where networks stand: where the last map put them, or laid out anew."""

    CONTINUED = "continued"
    FRESH = "fresh"


class MapForm(Strict):
    """In which form a map is sent; ``picture`` and ``theme`` count for svg and png."""

    format: MapFormat = MapFormat.JSON
    picture: MapPicture = MapPicture.MATRIX
    theme: Theme = Field(Theme.LIGHT, description="colors of an svg or png")


class MapLook(Strict):
    """Which map. Nothing is measured or compared again for another λ, linkage, k or clusters."""

    metric: Metric = Metric.DEPARA
    edge_weight: EdgeWeight | None = Field(
        None, description="λ; 0.25 unless given, 4 for depara_plus"
    )
    linkage: Linkage = Linkage.SINGLE
    k: int | None = Field(
        None, ge=1, le=MOST_NEIGHBORS, description="neighbors of each network; 5 unless given"
    )
    clusters: int | None = Field(
        None, ge=1, le=MOST_CLUSTERS, description="chosen by the mean silhouette unless given"
    )
    layout: MapLayout = MapLayout.CONTINUED

    def params(self) -> TransferabilityMapParams:
        """The parameters of the job that draws it.

        Raises:
            InvalidRequestError: ``edge_weight_not_supported``: attribution has no edges.
        """
        if self.metric not in EDGE_WEIGHTS and self.edge_weight:
            raise InvalidRequestError(
                "the metric attribution has no edges; leave edge_weight out",
                code="edge_weight_not_supported",
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
    """A map that was drawn before, and the form in which it is sent."""

    @property
    def look(self) -> MapLook:
        """Which map it is, whatever its form."""
        return MapLook(**{name: getattr(self, name) for name in MapLook.model_fields})


class NewMapRequest(MapLook):
    """A map to draw, of all networks measured so far on a probe set."""

    dataset_id: AnyId
