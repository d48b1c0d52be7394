"""The results of showing images to output units, and of searching among them."""

from typing import Annotated

from pydantic import Field

from service.core.catalog.concept_search import MOST_UNITS
from service.core.results.base import (
    AskedModelId,
    Facts,
    JobResult,
    NonNegative,
    Share,
    SmallCount,
)

RESPONSES_FILE = "responses.safetensors"
Interval = tuple[Share, Share]


class MeasuredResponses(JobResult):
    """What the zoo must know of responses, which are a file."""

    units: Annotated[SmallCount, Field(ge=1)]
    images: Annotated[SmallCount, Field(ge=1)]
    breadth: NonNegative
    seconds: NonNegative

    def file_names(self) -> frozenset[str]:
        """The responses."""
        return frozenset({RESPONSES_FILE})


class FoundUnitFacts(Facts):
    """One output unit: its expected AUC, and the one on the images themselves if the network ran."""

    model_id: AskedModelId
    unit: SmallCount
    expected_auc: Share
    expected_interval: Interval
    auc: Share | None
    auc_interval: Interval | None


class FoundUnits(JobResult):
    """The best units, best first, and the networks by their best unit that was not checked yet."""

    units: tuple[FoundUnitFacts, ...] = Field(max_length=MOST_UNITS)
    unchecked: tuple[AskedModelId, ...] = Field(max_length=100_000)
    searched_units: SmallCount
    positives: SmallCount
    seconds: NonNegative
