"""Requests for rankings: their fields, defaults and rules."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from service.core.catalog.depara import EDGE_WEIGHTS, DeparaParams, settings_of
from service.core.catalog.measurement import (
    AUTO,
    LABEL_SCORE_OF,
    POSTERIORS,
    RANKING_METRICS,
    Metric,
)
from service.core.ids import DatasetId, ModelId
from service.core.manifest import Strict, TaskKind
from service.core.tables import Protocol

DEFAULT_EDGE_WEIGHT = EDGE_WEIGHTS[Metric.DEPARA]
MOST_CANDIDATES = 100_000
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
    """Whether a fused ranking first measures missing estimates, or uses only stored ones."""

    MEASURE = "measure"
    KNOWN = "known"


class RankingTarget(Strict):
    """The target of a ranking: a network or a dataset.

    A metric that compares networks first trains a small network on the dataset.
    """

    model_id: ModelId | None = None
    dataset_id: DatasetId | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.model_id is None) == (self.dataset_id is None):
            raise ValueError("set either model_id or dataset_id")
        return self


class CandidateFilter(Strict):
    """A filter for models that match every field; ``name`` matches any part of a name."""

    task: TaskKind | None = None
    tag: Words | None = None
    name: Words | None = None


class Candidates(Strict):
    """The networks to rank: the listed ones, or those that match a filter."""

    model_ids: Annotated[tuple[ModelId, ...], Field(fail_fast=True)] | None = Field(
        None, max_length=MOST_CANDIDATES
    )
    filter: CandidateFilter | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.model_ids is None) == (self.filter is None):
            raise ValueError("set either model_ids or filter")
        return self


class RankingRequest(Strict):
    """A ranking to create.

    The metric ``auto`` chooses by what is known: labels of the target, past accuracies, or the
    likeness to a target network. If the target is a dataset, its images are the default probe set.
    Without ``candidates``, every ready model takes part. ``edge_weight`` is λ of the metrics
    ``depara`` and ``depara_plus``. Estimators, ``labels``, ``fused`` and ``labels_and_history`` rank
    for a dataset. ``estimators`` sets whether the last two measure missing estimates. ``protocol``
    excludes accuracies of other protocols from the history.
    """

    target: RankingTarget
    probe_set_id: DatasetId | None = None
    candidates: Candidates | None = None
    metric: RankingMetric = AUTO
    edge_weight: EdgeWeight | None = None
    settings: DeparaParams = DeparaParams()
    estimators: EstimatorEvidence | None = None
    protocol: Protocol | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.probe_set_id is None and self.target.dataset_id is None:
            raise ValueError("a ranking for a model needs a probe_set_id")
        if self.metric not in EDGE_WEIGHTS and self.edge_weight:
            raise ValueError(f"the metric {self.metric} has no edges; omit edge_weight")
        if self.metric not in (AUTO, *POSTERIORS) and self.estimators is not None:
            raise ValueError(f"only the metrics {', '.join(POSTERIORS)} take estimators; omit it")
        if self.metric not in (AUTO, *Metric):
            self._require_fit_for_a_dataset()
        return self

    def _require_fit_for_a_dataset(self) -> None:
        if self.target.dataset_id is None:
            raise ValueError(
                f"the metric {self.metric} needs a dataset as its target; set dataset_id"
            )
        if self.metric in POSTERIORS:
            return
        if self.probe_set_id not in (None, self.target.dataset_id):
            raise ValueError(
                f"the metric {self.metric} uses the target's own images; omit probe_set_id"
            )
        if self.settings != DeparaParams():
            raise ValueError(f"only the metrics {', '.join(Metric)} take settings; omit them")

    @property
    def weight(self) -> float:
        """λ, with its default filled in."""
        if self.edge_weight is None:
            return EDGE_WEIGHTS.get(self.metric, 0.0)
        return self.edge_weight

    @property
    def likens_to_labels(self) -> bool:
        """Whether labels of the target replace a target network as the ideal graph.

        They do if the target is a dataset, seen through its own images as usual, and the metric
        compares more than attribution maps.
        """
        target = self.target.dataset_id
        as_usual = self.probe_set_id in (None, target) and self.settings == DeparaParams()
        weighs_edges = self.metric not in EDGE_WEIGHTS or self.weight > 0
        has_labels = self.metric in LABEL_SCORE_OF and weighs_edges
        return target is not None and as_usual and has_labels

    @property
    def measured_with(self) -> DeparaParams:
        """Settings of the compared graphs."""
        return settings_of(self.metric, self.settings)
