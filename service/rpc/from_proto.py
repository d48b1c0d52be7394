"""From messages to the values that operations take."""

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from pydantic import BaseModel, ValidationError

from service.core.errors import FieldProblem, InvalidRequestError
from service.core.paging import DEFAULT_PAGE, LARGEST_PAGE

V = TypeVar("V", bound=BaseModel)
_MOST_PROBLEMS = 100
_TOLD = 3
# Beyond this a double no longer tells neighbouring integers apart.
_LARGEST_EXACT = 2**53


def plain(message: Message) -> dict[str, Any]:
    """What is set in a message, as JSON values under the names of the .proto file."""
    values = MessageToDict(message, preserving_proto_field_name=True)
    return {name: _integers_restored(value) for name, value in values.items()}


def struct(message: Struct) -> dict[str, Any]:
    """A Struct as JSON values; whole numbers are integers again."""
    return {name: _integers_restored(value) for name, value in MessageToDict(message).items()}


def _integers_restored(value: Any) -> Any:
    """A Struct knows doubles alone, so 10 arrives as 10.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT:
        return int(value)
    if isinstance(value, Mapping):
        return {name: _integers_restored(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_integers_restored(one) for one in value]
    return value


def fit(shape: type[V], value: Any, *, where: str) -> V:
    """``value`` as ``shape``.

    Raises:
        InvalidRequestError: It does not fit; ``errors`` point into ``where``.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        found = [
            FieldProblem("/" + "/".join([where, *map(str, one["loc"])]), one["msg"])
            for one in error.errors()
        ]
        told = "; ".join(f"{one.pointer}: {one.reason}" for one in found[:_TOLD])
        raise InvalidRequestError(told, errors=found[:_MOST_PROBLEMS]) from error


def page_size(request: Any) -> int:
    """How many items a page should have.

    Raises:
        InvalidRequestError: Not between 1 and the largest.
    """
    if not request.HasField("page_size"):
        return DEFAULT_PAGE
    size: int = request.page_size
    if not 1 <= size <= LARGEST_PAGE:
        raise InvalidRequestError(
            f"page_size is {size}, not between 1 and {LARGEST_PAGE}",
            errors=[FieldProblem("/page_size", f"between 1 and {LARGEST_PAGE}")],
        )
    return size


def given(request: Any, name: str) -> Any:
    """An optional field's value; None when it is not set."""
    return getattr(request, name) if request.HasField(name) else None


def state_name(request: Any, enum: Any, prefix: str) -> str | None:
    """The name of an optional state as it is stored: ``ready`` for ``MODEL_STATE_READY``.

    Raises:
        InvalidRequestError: A number that names no state.
    """
    number = given(request, "state")
    if not number:
        return None
    if number not in enum.values():
        raise InvalidRequestError(
            f"{number} is no state", errors=[FieldProblem("/state", "unknown number")]
        )
    return str(enum.Name(number)).removeprefix(prefix).lower()
