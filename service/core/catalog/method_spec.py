"""The spec of a method: its public, torch-free description. The method package has the same name."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from service.core.manifest import DatasetKind
from service.core.strict_model import StrictModel

# Forms offer a choice for this format, which is Zooscope's own.
LayerName = Annotated[
    str, Field(min_length=1, max_length=300, json_schema_extra={"format": "layer-name"})
]
METHOD_NAME = r"^[a-z0-9_]+$"
LayerNames = Annotated[tuple[LayerName, ...], Field(min_length=1, fail_fast=True)]


def _title(name: str, field: object) -> str:
    """The label of a field in a form."""
    del field
    return name.replace("_", " ").capitalize()


_STRICT = ConfigDict(
    extra="forbid", frozen=True, use_attribute_docstrings=True, field_title_generator=_title
)


class Params(StrictModel):
    """Parameters of a method, each explained by the string below it; unknown names are refused."""

    model_config = _STRICT


class JobInputs(StrictModel):
    """References a job takes, each explained by the string below it; unknown names are refused."""

    model_config = _STRICT


class Family(StrEnum):
    """What a method is for."""

    TRANSFERABILITY = "transferability"
    TRAINING = "training"
    INGESTION = "ingestion"


class MethodKind(StrEnum):
    """What goes in and what comes out: it decides how a job is staged, loaded, saved and recorded."""

    MODEL_CHECK = "model_check"
    DATASET_INGESTION = "dataset_ingestion"
    GRAPH = "graph"
    HEAT_MAPS = "heat_maps"
    REFERENCE_NETWORK = "reference_network"
    ESTIMATES = "estimates"
    RANKING = "ranking"
    FUSED_RANKING = "fused_ranking"
    MAP = "map"
    LAYER_SELECTION = "layer_selection"
    TRAINING = "training"
    READER_TRAINING = "reader_training"
    CASCADE_TRAINING = "cascade_training"
    ADAPTATION = "adaptation"
    UNIT_RESPONSES = "unit_responses"
    CONCEPT_SEARCH = "concept_search"
    BAKED_STYLE = "baked_style"


class TrainingTrait(StrEnum):
    """What sets a training method apart when a request is checked."""

    WHOLE_IMAGES_ONLY = "whole_images_only"
    """It cannot teach labels of pixels."""
    READS_STUDENT_MAPS = "reads_student_maps"
    """It always compares feature maps inside the student, which only Zooscope's builds show."""
    HOLDS_OUT_CLASSES = "holds_out_classes"
    """It is evaluated on classes that it never learns from, not on other images of the same."""


class Audience(StrEnum):
    """Who may submit a job of the method: everyone with the scope, or only an operation."""

    PUBLIC = "public"
    INTERNAL = "internal"


class JobLane(StrEnum):
    """How long jobs of a method take: workers keep a slot that long ones never fill."""

    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True)
class MethodSpec:
    """One method of the catalog.

    Attributes:
        version: Part of every cache key: raise it when a change may alter numbers.
        traits: Only trainings have any.
        lane: Trainings are long.
        dataset_kinds: What datasets that inputs and parameters name may hold.
        time_limit_seconds: Longest run on a machine of ordinary speed; None for trainings, which
            only ``ZOO_JOB_TIMEOUT_SECONDS`` limits.
    """

    name: str
    title: str
    family: Family
    kind: MethodKind
    audience: Audience
    version: int
    source: str
    inputs: type[JobInputs]
    params: type[Params]
    result: str
    traits: frozenset[TrainingTrait] = frozenset()
    lane: JobLane = JobLane.SHORT
    dataset_kinds: frozenset[DatasetKind] = frozenset({DatasetKind.IMAGES})
    time_limit_seconds: float | None = 3600.0

    def describe(self) -> dict[str, Any]:
        """The spec as clients see it, with JSON schemas of inputs and parameters."""
        return {
            "name": self.name,
            "title": self.title,
            "family": self.family,
            "version": self.version,
            "source": self.source,
            "inputs": _for_clients(self.inputs.model_json_schema()),
            "params": _for_clients(self.params.model_json_schema()),
            "result": self.result,
            "dataset_kinds": sorted(self.dataset_kinds),
        }


def _for_clients(schema: Any) -> Any:
    """A schema whose descriptions are Markdown without line breaks and call nothing ``None``."""
    if isinstance(schema, list):
        return [_for_clients(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _reworded(value)
        if name == "description" and isinstance(value, str)
        else _for_clients(value)
        for name, value in schema.items()
    }


def _reworded(text: str) -> str:
    """Text for readers of JSON, from text for readers of Python; paragraphs stay."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    words = "\n\n".join(paragraphs).replace("``", "`")
    return re.sub(r"\bNone\b", "null", words)
