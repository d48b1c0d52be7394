"""The results of comparing candidates with a target, and of combining all evidence about them."""

from typing import Self

from pydantic import Field, model_validator

from service.core.results.base import (
    AskedModelId,
    Facts,
    JobResult,
    MeasureName,
    Number,
    Share,
    SmallCount,
)
from service.core.results.measurements import GraphStatusName, SpreadFacts


class ComparedGraphFacts(Facts):
    """One candidate against the target."""

    model_id: AskedModelId
    status: GraphStatusName
    valid_probes: SmallCount
    node_similarity: Number | None
    edge_similarity: Number | None
    spread: SpreadFacts | None


class ComparedCandidates(JobResult):
    """The similarities that were missing, each candidate once."""

    target_id: AskedModelId
    target_status: GraphStatusName
    items: tuple[ComparedGraphFacts, ...] = Field(max_length=100_000)

    @model_validator(mode="after")
    def _every_candidate_once(self) -> Self:
        names = [self.target_id, *(item.model_id for item in self.items)]
        if len(set(names)) != len(names):
            raise ValueError("items must contain a candidate once, and never the target")
        return self


class EstimateFacts(Facts):
    """One candidate's accuracy on the target."""

    model: AskedModelId
    mean: Number
    deviation: Number
    low: Number
    high: Number
    p_best: Share
    expected_regret: Number
    measured: Number | None


class FusedCandidates(JobResult):
    """The posterior of every candidate, and what follows from all of them."""

    estimates: tuple[EstimateFacts, ...] = Field(max_length=100_000)
    best_set: tuple[AskedModelId, ...] = Field(max_length=100_000)
    best_set_probability: Share
    expected_regret: Number
    measure_next: tuple[AskedModelId, ...] = Field(max_length=100)
    evidence: dict[MeasureName, Number] = Field(max_length=1000)

    @model_validator(mode="after")
    def _every_candidate_once(self) -> Self:
        names = [estimate.model for estimate in self.estimates]
        if len(set(names)) != len(names):
            raise ValueError("estimates must contain a candidate once")
        return self
