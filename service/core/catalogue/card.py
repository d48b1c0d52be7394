"""A card: the public, torch-free face of a method. The maths lives in the room of the same name."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Knobs of a method; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Inputs(BaseModel):
    """References a job takes; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
