"""From views to messages: one way for every message, because both APIs share names and shapes."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from pydantic import BaseModel

M = TypeVar("M", bound=Message)


def to_proto(view: BaseModel | Mapping[str, Any], message: type[M]) -> M:
    """A message with the values of a view.

    Messages take dictionaries, times and null (for a field that is not set) as they are. Only the
    values of an enum have names of their own: ``ready`` is ``MODEL_STATE_READY``.

    Raises:
        ValueError: The view has a field that the message lacks.
    """
    values = view.model_dump() if isinstance(view, BaseModel) else view
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    return message(**_with_enum_names(values, descriptor))


def enum_prefix(enum: EnumDescriptor) -> str:
    """What the names of an enum begin with, such as ``MODEL_STATE_``."""
    return str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")


def _with_enum_names(values: Mapping[str, Any], message: Descriptor) -> dict[str, Any]:
    fields = _fields_with_enums(message)
    return {
        name: _value(value, fields[name]) if name in fields else value
        for name, value in values.items()
        if value is not None
    }


def _value(value: Any, field: FieldDescriptor) -> Any:
    if isinstance(value, list | tuple):
        return [_value(item, field) for item in value]
    if field.enum_type is not None:
        return f"{enum_prefix(field.enum_type)}{value.upper()}"
    assert field.message_type is not None
    return _with_enum_names(value, field.message_type)


@cache
def _fields_with_enums(message: Descriptor) -> Mapping[str, FieldDescriptor]:
    """The fields of a message of ours that hold an enum, at any depth."""
    if not message.full_name.startswith("zoo.v1."):
        return {}
    return {
        field.name: field
        for field in message.fields
        if field.enum_type is not None
        or (field.message_type is not None and _fields_with_enums(field.message_type))
    }
