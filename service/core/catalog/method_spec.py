"""A card: the public, torch-free face of a method. The maths lives in the room of the same name."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

# What a form offers a choice of; the formats are ours.
ModelId = Annotated[str, Field(max_length=100, json_schema_extra={"format": "model-id"})]
DatasetId = Annotated[str, Field(max_length=100, json_schema_extra={"format": "dataset-id"})]
LayerName = Annotated[
    str, Field(min_length=1, max_length=300, json_schema_extra={"format": "layer-name"})
]
LayerNames = Annotated[tuple[LayerName, ...], Field(min_length=1)]


def _title(name: str, field: object) -> str:
    """What a form writes beside a field."""
    del field
    return name.replace("_", " ").capitalize()


_STRICT = ConfigDict(
    extra="forbid", frozen=True, use_attribute_docstrings=True, field_title_generator=_title
)


class Params(BaseModel):
    """Knobs of a method, each explained by the string below it; unknown names are refused."""

    model_config = _STRICT


class JobInputs(BaseModel):
    """References a job takes, each explained by the string below it; unknown names are refused."""

    model_config = _STRICT


class Family(StrEnum):
    """What a method is for."""

    TRANSFERABILITY = "transferability"
    TRAINING = "training"
    INGESTION = "ingestion"


class Audience(StrEnum):
    """Who may submit a job of the method: anybody with the scope, or only an operation."""

    PUBLIC = "public"
    INTERNAL = "internal"


@dataclass(frozen=True)
class MethodSpec:
    """One method of the catalogue.

    ``version`` is part of every cache key: raise it when a change may alter numbers.
    """

    name: str
    title: str
    family: Family
    audience: Audience
    version: int
    source: str
    inputs: type[JobInputs]
    params: type[Params]
    result: str

    def describe(self) -> dict[str, Any]:
        """The card as clients see it, with JSON schemas of inputs and parameters."""
        return {
            "name": self.name,
            "title": self.title,
            "family": self.family,
            "version": self.version,
            "source": self.source,
            "inputs": _for_clients(self.inputs.model_json_schema()),
            "params": _for_clients(self.params.model_json_schema()),
            "result": self.result,
        }


def _for_clients(schema: Any) -> Any:
    """A schema whose descriptions are Markdown without line breaks and call nothing ``null``."""
    if isinstance(schema, list):
        return [_for_clients(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _reworded(one)
        if name == "description" and isinstance(one, str)
        else _for_clients(one)
        for name, one in schema.items()
    }


def _reworded(text: str) -> str:
    """Words for readers of JSON, from words for readers of Python; paragraphs stay."""
    paragraphs = [" ".join(one.split()) for one in text.split("\n\n")]
    words = "\n\n".join(paragraphs).replace("``", "`")
    return re.sub(r"\bNone\b", "null", words)
