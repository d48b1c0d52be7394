"""Card of ``ranking``: similarities of candidate networks to one target."""

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)


class RankingInputs(JobInputs):
    """The ranking to fill; its target and candidates are measured by other jobs first."""

    ranking_id: str
    """The ranking to fill."""


class RankingParams(Params):
    """Knobs of the intervals."""

    replicates: int = Field(200, ge=20, le=10_000)
    """Redrawn probe sets that give the intervals."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of the redrawn probe sets."""


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
)
