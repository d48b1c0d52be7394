"""What all results have in common: strict shapes, bounded values, and what a result may name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

LARGEST_INTEGER = 2**53
LARGEST_SMALL_INTEGER = 2**31 - 1


@dataclass(frozen=True)
class ResultScope:
    """What a job was asked about; its result names nothing else.

    Attributes:
        model_ids: Networks that the result may be about.
        layers: Layers that the result may be about.
        image_indices: Positions of images that the result may be about.
        comparable_key: Key that a measured graph must have.
        file_sizes: Bytes of the files that the job's process left, by name.
        params: What the recipe of a training must be: the parameters of its method.
    """

    model_ids: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()
    image_indices: frozenset[int] = frozenset()
    comparable_key: str | None = None
    file_sizes: Mapping[str, int] = field(default_factory=dict)
    params: type[BaseModel] | None = None


class Facts(BaseModel):
    """A part of a result: exact types, no unknown fields, no NaN, no infinity.

    Validated with a ``ResultScope`` as context, it also names only what belongs to the job.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class JobResult(Facts):
    """What a job's process hands to the worker, besides files."""

    def file_names(self) -> frozenset[str]:
        """The files that belong to the result; all others are thrown away."""
        return frozenset()


def scope_of(info: ValidationInfo) -> ResultScope | None:
    """The scope to check against; None inside the job's process, which needs no check."""
    return info.context if isinstance(info.context, ResultScope) else None


def _member_of(name: str) -> AfterValidator:
    """A validator that accepts only what the field ``name`` of the scope contains."""

    def check(value: Any, info: ValidationInfo) -> Any:
        scope = scope_of(info)
        if scope is not None and value not in getattr(scope, name):
            raise ValueError(f"the job has no {value!r} in its {name}")
        return value

    return AfterValidator(check)


Text = Annotated[str, Field(max_length=70_000, pattern=r"^[^\x00]*$")]
ShortText = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
MeasureName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

Number = Annotated[float, Field(ge=-1e18, le=1e18)]
NonNegative = Annotated[float, Field(ge=0, le=1e18)]
# Sums of shares may exceed 1 by rounding.
Share = Annotated[float, Field(ge=-1e-6, le=1 + 1e-6)]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
SmallCount = Annotated[int, Field(ge=0, le=LARGEST_SMALL_INTEGER)]

AskedModelId = Annotated[str, Field(max_length=100), _member_of("model_ids")]
AskedLayer = Annotated[str, Field(max_length=300), _member_of("layers")]
AskedImageIndex = Annotated[SmallCount, _member_of("image_indices")]
FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$"), _member_of("file_sizes")
]


class ProblemFacts(Facts):
    """Why an upload cannot be used as it is."""

    code: Code
    detail: Text
    remedy: Text = ""
