"""Wire shapes of rankings."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from service.core.operations import rankings, scores
from service.core.records import RankingRecord, RankingState
from service.rest.views.jobs import JobErrorView, ProgressView


class RankingItemView(BaseModel):
    """A model's place. ``interval`` holds 90 % of its scores over redrawn probes."""

    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: float | None
    edge_similarity: float | None
    interval: tuple[float, float]
    valid_probes: int


class UnrankedView(BaseModel):
    """A candidate without a place, and why."""

    model_id: str
    code: str
    detail: str


class RankingView(BaseModel):
    """Models ordered for one target; items are empty while it is pending."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None = None
    metric: Literal["attribution", "depara"]
    edge_weight: float
    target_model_id: str
    probe_set_id: str
    items: list[RankingItemView]
    unranked: list[UnrankedView]
    error: JobErrorView | None = None
    progress: ProgressView | None = None
    cache_key: str
    created_at: datetime


def ranking_values(
    record: RankingRecord, *, edge_weight: float, progress: dict[str, Any] | None
) -> dict[str, Any]:
    """The values of a RankingView; plain ones, because a thousand items are made at once."""
    ready = record.state == RankingState.READY
    items, without = scores.ordered(record.pairs, edge_weight=edge_weight) if ready else ([], [])
    return {
        "id": record.id,
        "state": record.state,
        "job_id": record.job_id,
        "metric": record.metric,
        "edge_weight": edge_weight,
        "target_model_id": record.target_model_id,
        "probe_set_id": record.dataset_id,
        "items": items,
        "unranked": [*record.unranked, *without],
        "error": record.error,
        "progress": progress,
        "cache_key": rankings.cache_key(record),
        "created_at": record.created_at,
    }
