"""Messages of a running job's process, of which it sends one JSON object each."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from service.core.results.base import Code, Count, Facts, MeasureName, NonNegative, Number, Text


class ProgressMessage(Facts):
    """``step`` of ``total`` is done."""

    kind: Literal["progress"]
    step: Count
    total: Count
    message: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""


class CheckpointMessage(Facts):
    """A checkpoint lies in the file."""

    kind: Literal["checkpoint"]
    file: Annotated[str, Field(pattern=r"^checkpoint-[0-9]{1,9}\.safetensors$")]


class MetricsMessage(Facts):
    """Numbers after a step, and files of pictures by artifact name."""

    kind: Literal["metrics"]
    step: Count
    numbers: dict[MeasureName, Number] = Field(max_length=200)
    pictures: dict[
        Annotated[str, Field(pattern=r"^[a-z_]{1,60}\.png$")],
        Annotated[str, Field(pattern=r"^picture-[0-9]{1,9}\.png$")],
    ] = Field(max_length=10)


class ErrorFacts(Facts):
    """Why a job failed, as its user reads it."""

    code: Code
    detail: Text
    remedy: Text | None


class ErrorMessage(Facts):
    """The job failed; ``retryable`` says whether another attempt may succeed."""

    kind: Literal["error"]
    error: ErrorFacts
    retryable: bool
    trace: Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00]*$")]


class RunningMessage(Facts):
    """The process has entered the sandbox."""

    kind: Literal["running"]


class PhaseMessage(Facts):
    """The process begins a phase, at this many seconds of the machine's monotonic clock."""

    kind: Literal["phase"]
    phase: Literal["load", "run", "write"]
    began: NonNegative


class DoneMessage(Facts):
    """The result lies in its file."""

    kind: Literal["done"]


LiveMessage = (
    ProgressMessage
    | CheckpointMessage
    | MetricsMessage
    | ErrorMessage
    | RunningMessage
    | PhaseMessage
    | DoneMessage
)

_MESSAGES: TypeAdapter[LiveMessage] = TypeAdapter(
    Annotated[LiveMessage, Field(discriminator="kind")]
)


def live_message(payload: dict[str, Any]) -> LiveMessage:
    """The message. Raises pydantic's ValidationError, which is a ValueError."""
    return _MESSAGES.validate_python(payload)
