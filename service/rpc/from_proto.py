"""From messages to the request models of REST: one way for every message."""

from collections.abc import Collection
from datetime import UTC
from typing import Any, TypeVar

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel

from service.core.errors import FieldProblem, InvalidRequestError
from service.core.strict_json import checked_values, long_lists, require_number
from service.rpc.stubs.zoo.v1.common_pb2 import StringList
from service.rpc.stubs.zoo.v1.model_service_pb2 import IndexList
from service.rpc.to_proto import enum_prefix
from service.views.validation import validated

V = TypeVar("V", bound=BaseModel)
# Beyond this a double no longer distinguishes neighboring integers.
_LARGEST_EXACT = 2**53
_STRUCT = long_lists(0)


def request_of(
    model: type[V], message: Message, *, where: str, without: Collection[str] = ()
) -> V:
    """A message as the request model that REST takes.

    Args:
        model: The request model.
        message: The message, or a part of it.
        where: What the pointers of errors begin with: ``body`` or ``query``, as over REST.
        without: Fields that REST takes elsewhere, such as the id in a path.

    Raises:
        InvalidRequestError: It does not fit; ``errors`` point into ``where``.
    """
    values = from_proto(message)
    return validated(model, {k: v for k, v in values.items() if k not in without}, where=where)


def from_proto(message: Message) -> dict[str, Any]:
    """The fields that are set in a message, as JSON values.

    A choice between several types is one field in JSON, so it goes by the name of the ``oneof``.

    Raises:
        InvalidRequestError: An enum has a number without a name.
    """
    values = {_name(field): _value(field, value) for field, value in message.ListFields()}
    return {name: value for name, value in values.items() if value is not None}


def optional(message: Any, field: str) -> Any:
    """The value of an optional field; None when it is not set."""
    return getattr(message, field) if message.HasField(field) else None


def _name(field: FieldDescriptor) -> str:
    choice = field.containing_oneof
    # `optional` is a oneof of its own, whose name begins with an underscore.
    return field.name if choice is None or choice.name.startswith("_") else choice.name


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.is_repeated:
        return [_single(field, item) for item in value]
    return _single(field, value)


def _single(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        return _enum_value(field.enum_type, value, pointer=f"/{field.name}")
    if isinstance(value, Struct):
        return checked_values(_object_of(value), _STRUCT)
    if isinstance(value, Timestamp):
        return _time(value, pointer=f"/{field.name}")
    if isinstance(value, StringList | IndexList):
        return list(value.values)
    if isinstance(value, float):
        return require_number(value)
    return from_proto(value) if isinstance(value, Message) else value


def _enum_value(enum: EnumDescriptor, number: int, *, pointer: str) -> str | None:
    """``ready`` for ``MODEL_STATE_READY``; None for the number 0, which says nothing."""
    if number not in enum.values_by_number:
        raise InvalidRequestError(
            f"{number} is not a {enum.name}", errors=[FieldProblem(pointer, "unknown number")]
        )
    name = str(enum.values_by_number[number].name)
    return name.removeprefix(enum_prefix(enum)).lower() if number else None


def _time(value: Timestamp, *, pointer: str) -> str:
    try:
        return value.ToDatetime(tzinfo=UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise InvalidRequestError(
            "the time is outside the calendar",
            errors=[FieldProblem(pointer, "outside the calendar")],
        ) from error


def _object_of(struct: Struct) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in struct.fields.items()}


def _json_value(value: Value) -> Any:
    """The JSON value. A Struct knows doubles only, so 10 arrives as 10.0; an empty value is null."""
    match value.WhichOneof("kind"):
        case "struct_value":
            return _object_of(value.struct_value)
        case "list_value":
            return [_json_value(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            exact = number.is_integer() and abs(number) <= _LARGEST_EXACT
            return int(number) if exact else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None
