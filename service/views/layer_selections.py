"""Wire shapes of layer selections."""

from datetime import datetime
from functools import partial
from typing import Any, Literal, Self

from pydantic import BaseModel
from sqlalchemy.orm import Session

from service.core.operations.layers import selections
from service.core.paging import PageTokens
from service.core.tables import LayerSelectionRecord, LayerSelectionState
from service.views.jobs import JobErrorView, JobProgressView
from service.views.paging import ListView, PageQuery, list_view
from service.views.warnings import AnswerWarningView


class LayerScoreView(BaseModel):
    """A candidate layer against the target; what is null could not be compared.

    ``depth`` is the share of the source's layers that end no later, ``operations_share`` that of
    its operations; ``interval`` holds 90 % of the scores over resampled probes. Layers of the same
    ``group``, counted from the best, cannot be told apart.
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
    group: int | None = None


class LayerChoiceView(BaseModel):
    """The layer with the greatest score, the deepest of equals, and its margin to the next.

    The layers in ``tied`` cannot be told apart from it.
    """

    layer: str
    score: float
    interval: tuple[float, float]
    runner_up: str | None
    margin: float | None
    tied: list[str] = []


class LayerBaselinesView(BaseModel):
    """The choices without a comparison: the middle candidate and the deepest."""

    middle: str
    deepest: str


class LayerSelectionView(BaseModel):
    """The layer of a network to build a target on, scored with ``edge_weight``.

    ``effective_probes`` is the number of different images among the probes.
    """

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
    effective_probes: float | None = None
    warnings: list[AnswerWarningView] = []
    error: JobErrorView | None = None
    progress: JobProgressView | None = None
    cache_key: str
    created_at: datetime


class LayerSelectionSummaryView(BaseModel):
    """A selection in a list: what was asked, without the scores."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None = None
    source_model_id: str
    target_model_id: str
    target_layer: str
    probe_set_id: str
    candidates: int
    error: JobErrorView | None = None
    created_at: datetime

    @classmethod
    def of(cls, record: LayerSelectionRecord) -> Self:
        """The view of a record."""
        return cls(
            id=record.id,
            state=record.state,
            job_id=record.job_id,
            source_model_id=record.source_model_id,
            target_model_id=record.target_model_id,
            target_layer=record.target_layer,
            probe_set_id=record.dataset_id,
            candidates=len(record.candidates),
            error=record.error,
            created_at=record.created_at,
        )


class LayerSelectionQuery(PageQuery):
    """Which layer selections to list, newest first."""

    state: LayerSelectionState | None = None

    def page(
        self, session: Session, tokens: PageTokens, *, project: str
    ) -> ListView[LayerSelectionSummaryView]:
        """The page of the project's selections that the query asks for."""
        read = partial(selections.page, session, project=project, state=self.state)
        scope = [project, "layer-selections", self.state]
        return list_view(read, LayerSelectionSummaryView.of, self, tokens=tokens, scope=scope)


def layer_selection_view(
    record: LayerSelectionRecord, *, edge_weight: float, progress: dict[str, Any] | None
) -> LayerSelectionView:
    """The view of a selection, read by an edge weight."""
    values = selections.values_of(record, edge_weight=edge_weight)
    return LayerSelectionView.model_validate({**values, "progress": progress})
