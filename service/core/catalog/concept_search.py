"""Specification of ``concept_search``: which output units recognize a concept."""

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import ConceptSearchId

MOST_UNITS = 500


class ConceptSearchInputs(JobInputs):
    """The search to fill; it names the images and the networks."""

    search_id: ConceptSearchId
    """The search to fill."""


class ConceptSearchParams(Params):
    """Settings of the estimate."""

    limit: int = Field(20, ge=1, le=MOST_UNITS)
    """Largest number of units in the answer."""
    neighbors: int = Field(5, ge=1, le=100)
    """Number of probes that stand for each image of the concept."""


SPEC = MethodSpec(
    name="concept_search",
    title="Output units that recognize a concept, from stored responses",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.CONCEPT_SEARCH,
    audience=Audience.INTERNAL,
    version=1,
    source="Kahana et al., Can this Model Also Recognize Dogs?, 2025, arXiv 2502.09619;"
    " the expected AUC is ours",
    inputs=ConceptSearchInputs,
    params=ConceptSearchParams,
    result="units with an expected AUC, and with an exact one where the network was run",
)
