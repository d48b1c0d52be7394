"""Wire shapes of layer selections."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from service.core.operations.layers import selections
from service.core.tables import LayerSelectionRecord
from service.views.jobs import JobErrorView, ProgressView


class LayerScoreView(BaseModel):
    """A candidate layer against the target; what is null could not be compared.

    ``depth`` is the share of the source's layers that end no later, ``operations_share`` that of
    its operations; ``interval`` holds 90 % of the scores over redrawn probes.
    """

    layer: str
    kind: str
    shape: tuple[int, ...]
    depth: float
    operations_share: float | None
    status: Literal["ok", "degenerate", "constant_edges", "unusable"]
    detail: str | None
    valid_probes: int
    node_similarity: float | None
    edge_similarity: float | None
    score: float | None
    interval: tuple[float, float] | None


class LayerChoiceView(BaseModel):
    """The layer with the greatest score, the deepest of equals, and its margin to the next."""

    layer: str
    score: float
    interval: tuple[float, float]
    runner_up: str | None
    margin: float | None


class LayerBaselinesView(BaseModel):
    """What one would choose without looking: the middle candidate, and the deepest."""

    middle: str
    deepest: str


class LayerSelectionView(BaseModel):
    """Which layer of one network a target should be built on, read by ``edge_weight``."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None
    source_model_id: str
    target_model_id: str
    target_layer: str
    probe_set_id: str
    edge_weight: float
    choice: LayerChoiceView | None
    baselines: LayerBaselinesView | None
    layers: list[LayerScoreView]
    error: JobErrorView | None = None
    progress: ProgressView | None = None
    cache_key: str
    created_at: datetime


def layer_selection_view(
    record: LayerSelectionRecord, *, edge_weight: float, progress: dict[str, Any] | None
) -> LayerSelectionView:
    """A selection as it is told."""
    told = selections.values_of(record, edge_weight=edge_weight)
    return LayerSelectionView.model_validate({**told, "progress": progress})
