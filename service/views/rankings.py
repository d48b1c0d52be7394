"""Wire shapes of rankings."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from service.core.operations.rankings import rankings
from service.core.operations.rankings.schemas import RankingMetric
from service.core.tables import RankingRecord
from service.views.jobs import JobErrorView, ProgressView


class RankingItemView(BaseModel):
    """A model's place.

    Where networks are compared, ``interval`` holds 90 % of the scores over redrawn probes. For
    ``fused``, ``score`` and ``mean`` are the expected accuracy, ``interval`` holds it with
    probability 80 %, ``p_best`` is the probability that no other candidate is better,
    ``expected_regret`` what choosing this one is expected to lose, ``measured`` the run on the
    target itself that went in.
    """

    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: float | None
    edge_similarity: float | None
    interval: tuple[float, float] | None
    valid_probes: int | None
    mean: float | None = None
    deviation: float | None = None
    p_best: float | None = None
    expected_regret: float | None = None
    measured: float | None = None


class UnrankedView(BaseModel):
    """A candidate without a place, and why."""

    model_id: str
    code: str
    detail: str


class ReasonView(BaseModel):
    """Why something is not there."""

    code: str
    detail: str


class BaselineItemView(BaseModel):
    """What a baseline says of a candidate."""

    model_id: str
    value: float


class BaselineView(BaseModel):
    """An order that never saw the target, best first; null with the reason when there is none.

    ``static`` is the mean standardised accuracy on the recorded datasets but the target,
    ``parameters`` and ``upstream_accuracy`` take the larger for the better.
    """

    name: str
    items: list[BaselineItemView] | None
    reason: ReasonView | None = None


class BestSetView(BaseModel):
    """Smallest set of candidates that holds the best of them with probability ``coverage``."""

    model_ids: list[str]
    coverage: float
    probability: float


class RankingView(BaseModel):
    """Models ordered for one target; items and baselines are empty while it is pending.

    The metric ``fused`` tells besides the ``best_set``, the ``expected_regret`` of choosing the
    first, whom to measure next, and the share of every kind of evidence.
    """

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None = None
    metric: RankingMetric
    edge_weight: float
    target_model_id: str | None
    target_dataset_id: str | None = None
    probe_set_id: str
    items: list[RankingItemView]
    unranked: list[UnrankedView]
    baselines: list[BaselineView] = []
    best_set: BestSetView | None = None
    expected_regret: float | None = None
    measure_next: list[str] | None = None
    evidence: dict[str, float] | None = None
    error: JobErrorView | None = None
    progress: ProgressView | None = None
    cache_key: str
    created_at: datetime


def ranking_values(
    record: RankingRecord, *, edge_weight: float, progress: dict[str, Any] | None
) -> dict[str, Any]:
    """The values of a RankingView; plain ones, because a thousand items are made at once."""
    items, unranked = rankings.ordered(record, edge_weight=edge_weight)
    return {
        "id": record.id,
        "state": record.state,
        "job_id": record.job_id,
        "metric": record.metric,
        "edge_weight": edge_weight,
        "target_model_id": record.target_model_id,
        "target_dataset_id": record.target_dataset_id,
        "probe_set_id": record.dataset_id,
        "items": items,
        "unranked": unranked,
        "baselines": record.baselines,
        **(record.findings or {}),
        "error": record.error,
        "progress": progress,
        "cache_key": rankings.cache_key(record),
        "created_at": record.created_at,
    }
