"""Specification of ``transferability_map``: how all measured networks of a probe set relate."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from service.core.catalog.depara import DeparaParams
from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import DatasetId, MapId, ModelId
from service.core.theme import Theme

MOST_NEIGHBORS = 50
MOST_CLUSTERS = 4000
MOST_COMPARED_EXACTLY = 400
"""Up to this many networks a map compares exactly, unless a request says otherwise."""


class Linkage(StrEnum):
    """Linkage of the task tree; the papers use single linkage."""

    SINGLE = "single"
    AVERAGE = "average"
    WARD = "ward"


class MapComparison(StrEnum):
    """What stands for a network when a map compares it: its graph, exactly, or its sketch."""

    EXACT = "exact"
    SKETCHES = "sketches"


class TransferabilityMapInputs(JobInputs):
    """The probe set and the networks to place."""

    dataset_id: DatasetId
    """The probe set on which the networks were measured."""
    model_ids: Annotated[tuple[ModelId, ...], Field(fail_fast=True)] | None = Field(
        None, max_length=100_000
    )
    """The networks to place; None means all measured ones."""
    continues: MapId | None = None
    """Map whose networks keep their positions; None computes a new layout."""


class TransferabilityMapParams(Params):
    """The measurements to compare, and how to draw them."""

    settings: DeparaParams = DeparaParams()
    """Settings of the measurements to compare."""
    edge_weight: float = Field(0.25, ge=0, allow_inf_nan=False)
    """Edge weight λ: weight of edge similarity relative to node similarity."""
    linkage: Linkage = Linkage.SINGLE
    """Linkage of the task tree."""
    k: int | None = Field(None, ge=1, le=MOST_NEIGHBORS)
    """Number of neighbors per network; None means 5, or all others if there are fewer."""
    clusters: int | None = Field(None, ge=1, le=MOST_CLUSTERS)
    """Number of clusters; None selects it by the mean silhouette."""
    comparison: MapComparison = MapComparison.EXACT
    """Graphs compared exactly in all pairs, or sketches compared with 400 of the networks."""


SKETCHES_FILE = "sketches"
"""The file of the sketches that stand for graphs: half precision, in network byte order."""


def picture_file(name: str, ending: str, theme: Theme) -> str:
    """The name of a picture's file among the artifacts of the job that drew the map."""
    return f"{name}.{ending}" if theme is Theme.LIGHT else f"{name}-{theme}.{ending}"


SPEC = MethodSpec(
    name="transferability_map",
    title="Similarity matrix, task tree, clusters, neighbor graph and layout of all networks of a"
    " probe set",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.MAP,
    audience=Audience.PUBLIC,
    version=3,
    source="Song et al., NeurIPS 2019 section 3 and CVPR 2020 section 3",
    inputs=TransferabilityMapInputs,
    params=TransferabilityMapParams,
    result="a map: matrix, tree, clusters, neighbors, layout, pictures",
)
