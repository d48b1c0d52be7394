"""Requests for rankings: their fields, defaults and rules."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from service.core.catalog.depara import EDGE_WEIGHTS, DeparaParams, settings_of
from service.core.catalog.measurement import FUSED, RANKING_METRICS, Metric
from service.core.manifest import Strict, TaskKind
from service.core.tables import Protocol

DEFAULT_EDGE_WEIGHT = EDGE_WEIGHTS[Metric.DEPARA]
MOST_CANDIDATES = 100_000
AnyId = Annotated[str, Field(pattern=r"^[a-z]{3}_[0-9A-Za-z_]{1,60}$")]
EdgeWeight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


def _known_metric(name: str) -> str:
    if name not in RANKING_METRICS:
        raise ValueError(f"must be one of {', '.join(RANKING_METRICS)}")
    return name


RankingMetric = Annotated[
    str,
    AfterValidator(_known_metric),
    WithJsonSchema({"type": "string", "enum": list(RANKING_METRICS)}),
]


class EstimatorEvidence(StrEnum):
    """Whether a fused ranking measures missing estimators first, or uses those that are known."""

    MEASURE = "measure"
    KNOWN = "known"


class RankingTarget(Strict):
    """Whom to rank for: a network, or a dataset.

    For a metric that compares networks a small one is trained on the dataset first.
    """

    model_id: AnyId | None = None
    dataset_id: AnyId | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.model_id is None) == (self.dataset_id is None):
            raise ValueError("name either a model_id or a dataset_id")
        return self


class CandidateFilter(Strict):
    """Models that fit every field given; ``name`` is a part of the name."""

    task: TaskKind | None = None
    tag: Words | None = None
    name: Words | None = None


class Candidates(Strict):
    """Which networks to order: these, or those that a filter finds."""

    model_ids: tuple[AnyId, ...] | None = Field(None, max_length=MOST_CANDIDATES)
    filter: CandidateFilter | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.model_ids is None) == (self.filter is None):
            raise ValueError("give either model_ids or a filter")
        return self


class RankingRequest(Strict):
    """A ranking to make.

    ``probe_set_id`` may be left out when the target is a dataset: its images are the probes.
    Without ``candidates`` every model that is ready takes part. ``edge_weight`` is λ of the metrics
    ``depara`` and ``depara_plus``. Estimators and ``fused`` rank for a dataset. ``estimators`` tells ``fused`` whether
    to measure those that are missing. ``protocol`` leaves accuracies of other protocols out of
    the history.
    """

    target: RankingTarget
    probe_set_id: AnyId | None = None
    candidates: Candidates | None = None
    metric: RankingMetric = Metric.DEPARA.value
    edge_weight: EdgeWeight | None = None
    settings: DeparaParams = DeparaParams()
    estimators: EstimatorEvidence | None = None
    protocol: Protocol | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.probe_set_id is None and self.target.dataset_id is None:
            raise ValueError("a ranking for a model needs a probe_set_id")
        if self.metric not in EDGE_WEIGHTS and self.edge_weight:
            raise ValueError(f"the metric {self.metric} has no edges; leave edge_weight out")
        if self.metric != FUSED and self.estimators is not None:
            raise ValueError("estimators belongs to the metric fused; leave it out")
        if self.metric not in frozenset(Metric):
            self._require_fit_for_a_dataset()
        return self

    def _require_fit_for_a_dataset(self) -> None:
        if self.target.dataset_id is None:
            raise ValueError(f"the metric {self.metric} ranks for a dataset; name a dataset_id")
        if self.metric == FUSED:
            return
        if self.probe_set_id not in (None, self.target.dataset_id):
            raise ValueError(f"{self.metric} looks at the target itself; leave probe_set_id out")
        if self.settings != DeparaParams():
            raise ValueError(f"settings belong to {', '.join(Metric)}; leave them out")

    @property
    def weight(self) -> float:
        """λ as filled in."""
        if self.edge_weight is None:
            return EDGE_WEIGHTS.get(self.metric, 0.0)
        return self.edge_weight

    @property
    def measured_with(self) -> DeparaParams:
        """Settings of the graphs that are compared."""
        return settings_of(self.metric, self.settings)
