"""Wire shapes of rankings."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, Literal, Self

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.families.relation import Relation
from service.core.manifest import Strict
from service.core.operations.measurements.effective_probes import few_probes
from service.core.operations.rankings import (
    advice,
    estimation,
    probes_advice,
    ranking_lists,
    rankings,
)
from service.core.operations.rankings.ranking_lists import RankingFilter
from service.core.operations.rankings.schemas import EdgeWeight, RankingMetric, RankingRequest
from service.core.paging import PageTokens
from service.core.tables import RankingRecord, RankingState
from service.machine_speed import stored_speed
from service.views.jobs import JobErrorView, JobProgressView
from service.views.paging import ListView, PageQuery, list_view
from service.views.warnings import AnswerWarningView


class RankingReading(Strict):
    """How to read a ranking: another λ, and how much of it."""

    edge_weight: EdgeWeight | None = Field(None, description="λ that replaces the stored one.")
    limit: int | None = Field(
        None, ge=1, le=100_000, description="Most entries of each list; all by default."
    )


class RankingSummaryView(BaseModel):
    """A ranking in a list: what was asked, without the scores."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None = None
    metric: RankingMetric
    edge_weight: float
    target_model_id: str | None
    target_dataset_id: str | None
    probe_set_id: str
    candidates: int
    error: JobErrorView | None = None
    created_at: datetime

    @classmethod
    def of(cls, record: RankingRecord) -> Self:
        """The view of a record."""
        return cls(
            id=record.id,
            state=record.state,
            job_id=record.job_id,
            metric=record.metric,
            edge_weight=record.edge_weight,
            target_model_id=record.target_model_id,
            target_dataset_id=record.target_dataset_id,
            probe_set_id=record.dataset_id,
            candidates=len(record.candidates),
            error=record.error,
            created_at=record.created_at,
        )


class RankingQuery(PageQuery):
    """Which rankings to list, newest first."""

    state: RankingState | None = None
    metric: RankingMetric | None = None

    def page(
        self, session: Session, tokens: PageTokens, *, project: str
    ) -> ListView[RankingSummaryView]:
        """The page of the project's rankings that the query asks for."""
        where = RankingFilter(self.state, self.metric)
        read = partial(ranking_lists.page, session, project=project, where=where)
        scope = [project, "rankings", self.state, self.metric]
        return list_view(read, RankingSummaryView.of, self, tokens=tokens, scope=scope)


class NearCopyView(BaseModel):
    """A candidate that computes the same as a better one up to rounding, by its weights."""

    model_id: str
    name: str
    score: float
    relation: Relation


class RankingItemView(BaseModel):
    """A model's rank.

    Where networks are compared, ``interval`` holds 90 % of the scores over resampled probes. For
    ``fused``, ``score`` and ``mean`` are the expected accuracy, ``interval`` holds it with
    probability 80 %, ``p_best`` is the probability that no other candidate is better,
    ``expected_regret`` what choosing this one is expected to lose, ``measured`` the run on the
    target itself that went in. ``flops`` counts the operations for one image, and ``latency_ms`` is
    its time on the machine that checked the network. ``pareto`` marks the networks that are cheaper than all that rank above them. Items of the same ``group``, counted
    from the best, cannot be told apart: the intervals of all overlap that of its first. For
    ``labels`` and ``labels_and_history``, group 1 holds the first and those that the advice calls
    equal to it. ``same_weights_as`` lists other candidates with the same weights. ``near_copies`` are candidates
    that have no row of their own, because they compute the same up to rounding.
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
    group: int | None = None
    same_weights_as: list[str] = []
    near_copies: list[NearCopyView] = []
    parameters: int | None = None
    flops: int | None = None
    size_bytes: int | None = None
    latency_ms: float | None = None
    pareto: bool = False


class UnrankedView(BaseModel):
    """A candidate without a rank, and why."""

    model_id: str
    code: str
    detail: str


class ReasonView(BaseModel):
    """Why something is not there."""

    code: str
    detail: str


class BaselineItemView(BaseModel):
    """The value of a baseline for a candidate."""

    model_id: str
    value: float


class BaselineView(BaseModel):
    """An order that never saw the target, best first; null with the reason when there is none.

    ``static`` is the mean standardized accuracy on the recorded datasets but the target,
    ``parameters`` and ``upstream_accuracy`` prefer the larger.
    """

    name: str
    items: list[BaselineItemView] | None
    reason: ReasonView | None = None


class BestSetView(BaseModel):
    """Smallest set of candidates that holds the best of them with probability ``coverage``."""

    model_ids: list[str]
    coverage: float
    probability: float


class RankingStepView(BaseModel):
    """Jobs of one method that a ranking would wait for.

    ``seconds`` is the time of all of them, one after another, null if it is unknown; ``basis`` says
    what it follows from.
    """

    method: str
    jobs: int
    seconds: float | None = None
    basis: Literal["earlier_jobs", "machine_speed"] | None = None


class RankingEstimateView(BaseModel):
    """How long a ranking would take.

    ``seconds`` is the time until it is ready if no other job is in the way, with ``concurrency`` jobs
    at a time; steps of unknown length count as nothing, and it is null if all are unknown.
    ``other_jobs`` are unfinished jobs of the project that come first or run beside.
    """

    seconds: float | None = None
    steps: list[RankingStepView]
    concurrency: int
    other_jobs: int
    candidates: int

    @classmethod
    def of(
        cls, session: Session, zoo: Zoo, *, project: str, request: RankingRequest
    ) -> "RankingEstimateView":
        """The view of the time of a ranking; nothing is started."""
        speed = stored_speed(zoo.settings)
        made = estimation.estimate(
            session,
            project=project,
            request=request,
            flops_per_second=None if speed is None else speed.flops_per_second,
            concurrency=zoo.settings.worker_concurrency,
        )
        return cls.model_validate(asdict(made))


class ChoiceView(BaseModel):
    """The metric that was taken for ``auto``, and the reason."""

    metric: RankingMetric
    reason: str


class RankingView(BaseModel):
    """Models ordered for one target; items and baselines are empty while it is pending.

    ``ranked`` counts the rows, also those beyond the ``limit`` of a request.

    ``advice`` says where to start. If ``auto`` was requested, ``metric`` is the one that was taken
    and ``choice`` says why. With the metrics ``fused`` and ``labels_and_history`` there are also the
    ``best_set``, the ``expected_regret`` of choosing the first, the models to measure next, and the
    share of each kind of evidence. ``probes_advice`` says whether more probes would help, where networks
    are compared. ``warnings`` names what makes the order doubtful.
    ``effective_probes`` is the number of different images among the probes, null where no networks
    are compared. ``shared_images`` counts images of a target dataset that are also in another probe
    set.
    """

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None = None
    metric: RankingMetric
    edge_weight: float
    target_model_id: str | None
    target_dataset_id: str | None = None
    probe_set_id: str
    ranked: int
    items: list[RankingItemView]
    unranked: list[UnrankedView]
    baselines: list[BaselineView] = []
    advice: str | None = None
    probes_advice: str | None = None
    choice: ChoiceView | None = None
    best_set: BestSetView | None = None
    expected_regret: float | None = None
    measure_next: list[str] | None = None
    evidence: dict[str, float] | None = None
    effective_probes: float | None = None
    warnings: list[AnswerWarningView] = []
    shared_images: int | None = None
    error: JobErrorView | None = None
    progress: JobProgressView | None = None
    cache_key: str
    created_at: datetime


def ranking_values(
    record: RankingRecord,
    *,
    edge_weight: float,
    progress: dict[str, Any] | None,
    limit: int | None = None,
) -> dict[str, Any]:
    """The values of a RankingView; plain ones, because a thousand items are made at once.

    ``limit`` is the most entries of each list; None means all.
    """
    items, unranked = rankings.ordered(record, edge_weight=edge_weight)
    findings = record.findings or {}
    return {
        "id": record.id,
        "state": record.state,
        "job_id": record.job_id,
        "metric": record.metric,
        "edge_weight": edge_weight,
        "target_model_id": record.target_model_id,
        "target_dataset_id": record.target_dataset_id,
        "probe_set_id": record.dataset_id,
        "ranked": len(items),
        "items": items[:limit],
        "unranked": unranked[:limit],
        "baselines": [_limited(baseline, limit) for baseline in record.baselines],
        "advice": advice.sentence(record.metric, items, findings=findings),
        "probes_advice": probes_advice.sentence(record.effective_probes),
        **findings,
        "effective_probes": record.effective_probes,
        "warnings": [*few_probes(record.effective_probes), *findings.get("warnings", ())],
        "shared_images": record.shared_images,
        "error": record.error,
        "progress": progress,
        "cache_key": rankings.cache_key(record),
        "created_at": record.created_at,
    }


def _limited(baseline: dict[str, Any], limit: int | None) -> dict[str, Any]:
    """A baseline with at most ``limit`` of its items."""
    items = baseline["items"]
    return {**baseline, "items": None if items is None else items[:limit]}
