"""Specification of ``ranking``: similarities of candidate networks to one target."""

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


class RankingInputs(JobInputs):
    """The ranking to fill; other jobs measure its target and candidates first."""

    ranking_id: RankingId
    """The ranking to fill."""


class RankingParams(Params):
    """Settings of the intervals."""

    replicates: int = Field(200, ge=20, le=10_000)
    """Number of bootstrap samples of the probes for the intervals."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed for the bootstrap samples."""


SPEC = MethodSpec(
    name="ranking",
    title="Similarity of every candidate to one target, with bootstrap intervals",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.RANKING,
    audience=Audience.INTERNAL,
    version=1,
    source="NeurIPS 2019 and CVPR 2020 papers of attribution_map and depara",
    inputs=RankingInputs,
    params=RankingParams,
    result="the items of a ranking",
    time_limit_seconds=900.0,
)
