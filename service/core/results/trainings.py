"""The result of a training."""

from pydantic import Field

from service.core.manifest import ModelManifest
from service.core.results.base import (
    Count,
    Facts,
    FileName,
    JobResult,
    MeasureName,
    NonNegative,
    Number,
    ShortText,
)
from service.core.results.networks import NetworkFacts

REPORT_JSON, REPORT_MARKDOWN = "report.json", "report.md"


class NetworkSizes(Facts):
    """Parameters, and FLOPs of one image, of one or several networks together."""

    parameters: Count
    flops: Count


class TrainedStudent(JobResult):
    """A student, with its quality on held-out images.

    Attributes:
        quality: Measures by name; those that were not measured are absent.
        teachers: Sizes of all teachers together.
        trained_on: Number of training images; 0 for a data-free training.
    """

    manifest: ModelManifest
    program: FileName
    network: NetworkFacts
    quality: dict[MeasureName, Number] = Field(max_length=1000)
    teachers: NetworkSizes
    trained_on: Count
    held_out: Count
    seconds: NonNegative
    versions: dict[MeasureName, ShortText] = Field(max_length=20)
    pictures: tuple[FileName, ...] = Field(max_length=100)

    def artifact_names(self) -> frozenset[str]:
        """The report in both forms, and the pictures."""
        return frozenset({REPORT_JSON, REPORT_MARKDOWN, *self.pictures})

    def file_names(self) -> frozenset[str]:
        """The program and all artifacts."""
        return self.artifact_names() | {self.program}
