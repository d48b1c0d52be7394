"""Specification of ``fused_ranking``: a posterior over every candidate's accuracy on one target."""

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import RankingId


class FusedRankingInputs(JobInputs):
    """The ranking to fill, from the accuracies, scores and similarities known to the zoo."""

    ranking_id: RankingId
    """The ranking to fill."""


class FusedRankingParams(Params):
    """Settings of the posterior."""

    coverage: float = Field(0.8, gt=0, lt=1)
    """Nominal probability of the intervals and of the set that contains the best candidate."""
    samples: int = Field(4000, ge=100, le=100_000)
    """Number of draws from the joint posterior."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed for the draws."""


SPEC = MethodSpec(
    name="fused_ranking",
    title="Posterior of every candidate's accuracy from past accuracies, scores and measured runs",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.FUSED_RANKING,
    audience=Audience.INTERNAL,
    version=4,
    source="Zooscope; Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006",
    inputs=FusedRankingInputs,
    params=FusedRankingParams,
    result="the items of a ranking, its set of likely best, and what to measure next",
    time_limit_seconds=900.0,
)
