"""A card: the public, torch-free face of a method. The maths lives in the room of the same name."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


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


class Inputs(BaseModel):
    """References a job takes, each explained by the string below it; unknown names are refused."""

    model_config = _STRICT


class Family(StrEnum):
    """What a method is for."""

    TRANSFERABILITY = "transferability"
    TRAINING = "training"
    INTAKE = "intake"


class Audience(StrEnum):
    """Who may submit a job of the method: anybody with the scope, or only an operation."""

    PUBLIC = "public"
    INTERNAL = "internal"


@dataclass(frozen=True)
class MethodCard:
    """One method of the catalogue.

    ``version`` is part of every cache key: raise it when a change may alter numbers.
    """

    name: str
    title: str
    family: Family
    audience: Audience
    version: int
    source: str
    inputs: type[Inputs]
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
            "inputs": self.inputs.model_json_schema(),
            "params": self.params.model_json_schema(),
            "result": self.result,
        }
