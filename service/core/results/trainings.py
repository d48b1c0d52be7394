"""The result of a training."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, ValidationInfo

from service.core.manifest import ModelManifest
from service.core.reader_manifest import ReaderManifest
from service.core.results.base import (
    Count,
    Facts,
    FileName,
    JobResult,
    MeasureName,
    NonNegative,
    Number,
    ProblemFacts,
    ShortText,
    scope_of,
)
from service.core.results.networks import NetworkFacts

# How JSON writes the one character that no table can hold.
_NULL = "\\u0000"

REPORT_JSON, REPORT_MARKDOWN = "report.json", "report.md"


def _require_params(value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    """The recipe, which must be all parameters of the job's method, each as it is written out."""
    scope = scope_of(info)
    if scope is None or scope.params is None:
        return value
    params = scope.params.model_validate(value).model_dump(mode="json")
    text = json.dumps(value, sort_keys=True)
    if json.dumps(params, sort_keys=True) != text:
        raise ValueError("the recipe does not state every parameter")
    if _NULL in text:
        raise ValueError("the recipe contains a null character")
    return params


class TrainingFacts(JobResult):
    """What every training hands over: quality on held-out examples, recipe, report and pictures.

    Attributes:
        quality: Measures by name; those that were not measured are absent.
        trained_on: Number of training examples; 0 for a data-free training.
        params: The recipe that ran: every parameter with its value, those of a preset too.
    """

    quality: dict[MeasureName, Number] = Field(max_length=1000)
    trained_on: Count
    held_out: Count
    seconds: NonNegative
    versions: dict[MeasureName, ShortText] = Field(max_length=20)
    params: Annotated[dict[MeasureName, JsonValue], AfterValidator(_require_params)] = Field(
        max_length=100
    )
    warnings: tuple[ProblemFacts, ...] = Field((), max_length=50)
    pictures: tuple[FileName, ...] = Field(max_length=100)

    def artifact_names(self) -> frozenset[str]:
        """The report in both forms, and the pictures."""
        return frozenset({REPORT_JSON, REPORT_MARKDOWN, *self.pictures})


class NetworkSizes(Facts):
    """Parameters, and FLOPs of one image, of one or several networks together."""

    parameters: Count
    flops: Count


class TrainedStudent(TrainingFacts):
    """A student, with its quality on held-out images.

    Attributes:
        teachers: Sizes of all teachers together.
    """

    manifest: ModelManifest
    program: FileName
    network: NetworkFacts
    teachers: NetworkSizes
    documents: tuple[FileName, ...] = Field((), max_length=100)

    def artifact_names(self) -> frozenset[str]:
        """The report in both forms, pictures and documents."""
        return super().artifact_names() | frozenset(self.documents)

    def file_names(self) -> frozenset[str]:
        """The program and all artifacts."""
        return self.artifact_names() | {self.program}


class TrainedReader(TrainingFacts):
    """A reader of clips, with its error rates on held-out clips."""

    manifest: ReaderManifest
    weights: FileName
    parameters: Count

    def file_names(self) -> frozenset[str]:
        """The weights and all artifacts."""
        return self.artifact_names() | {self.weights}
