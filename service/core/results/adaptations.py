"""The results of adapting a few-shot learner, and of baking a style into a stylizer."""

from typing import Annotated

from pydantic import Field

from service.core.manifest import ModelManifest
from service.core.results.base import FileName, JobResult, SmallCount, Text
from service.core.results.networks import NetworkFacts


class AdaptedLearner(JobResult):
    """A classifier, with the number of different support pictures of each class."""

    manifest: ModelManifest
    program: FileName
    network: NetworkFacts
    distinct: tuple[SmallCount, ...] = Field(max_length=200)
    notes: tuple[Annotated[Text, Field(max_length=1000)], ...] = Field(max_length=2000)

    def file_names(self) -> frozenset[str]:
        """The program."""
        return frozenset({self.program})


class BakedStyle(JobResult):
    """A network that paints in one style."""

    manifest: ModelManifest
    program: FileName
    network: NetworkFacts

    def file_names(self) -> frozenset[str]:
        """The program."""
        return frozenset({self.program})
