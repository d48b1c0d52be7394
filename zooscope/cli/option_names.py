"""Errors of the zoo in the words of a command: its options instead of the request's fields."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import get_args

from typer.models import ArgumentInfo, OptionInfo

from zooscope import ZooClientError
from zooscope.client.errors import InvalidField

_PARTS = ("/body", "/query", "/path")
_POINTER = re.compile(r"(?<![\w/.])/(?:body|query|path|inputs|params)(?:/\w+)+")
OptionsByField = Mapping[str, str]


class Fills:
    """In the annotation of a command's parameter: the fields of the request that it fills.

    A field is a path such as ``scopes`` or ``target/model_id``; an empty one is the whole body.
    Without this, a parameter fills the field of its own name. One that changes a part of what
    another parameter fills names no field.
    """

    def __init__(self, *fields: str) -> None:
        self.fields = fields


def options_by_field(function: Callable[..., None]) -> OptionsByField:
    """The option or argument of a command that fills each field of its request."""
    options: dict[str, str] = {}
    for parameter in inspect.signature(function).parameters.values():
        notes = get_args(parameter.annotation)[1:]
        for info in notes:
            if isinstance(info, OptionInfo | ArgumentInfo):
                fills = next((note for note in notes if isinstance(note, Fills)), None)
                fields = (parameter.name,) if fills is None else fills.fields
                options |= dict.fromkeys(fields, _label(info, parameter.name))
    return options


def in_options(error: ZooClientError, options: OptionsByField) -> None:
    """Let an error name the options that filled the fields it is about."""
    labels = {field.pointer: _option_at(field.pointer, options) for field in error.errors}
    pointers = sorted(labels, key=len, reverse=True)

    def reworded(text: str) -> str:
        for pointer in pointers:
            text = text.replace(f"{pointer}:", f"{labels[pointer]}:")
        text = _POINTER.sub(lambda match: _option_at(match[0], options), text)
        return _without_fields(text, options)

    error.detail = reworded(error.detail)
    error.remedy = None if error.remedy is None else reworded(error.remedy)
    error.errors = tuple(
        InvalidField(labels[field.pointer], reworded(field.reason)) for field in error.errors
    )


def _label(info: OptionInfo | ArgumentInfo, name: str) -> str:
    """What a user types for a parameter: ``--edge-weight``, or the name of an argument."""
    if isinstance(info, ArgumentInfo):
        return str(info.metavar or name.upper())
    # Within Annotated, typer keeps the first flag where it otherwise keeps the default.
    flags = [flag for flag in (info.default, *(info.param_decls or ())) if isinstance(flag, str)]
    long = [flag for flag in flags if flag.startswith("--")]
    return long[0] if long else f"--{name.strip('_').replace('_', '-')}"


def _option_at(pointer: str, options: OptionsByField) -> str:
    """The option that fills what ``pointer`` points at, and the part of its value that is meant."""
    path = pointer
    for part in _PARTS:
        if path == part or path.startswith(f"{part}/"):
            path = path.removeprefix(part)
    steps = path.strip("/").split("/")
    for length in range(len(steps), -1, -1):
        option = options.get("/".join(steps[:length]))
        if option is not None:
            return " ".join([option, ".".join(_names(steps[length:]))]).strip()
    return ".".join(_names(steps)) or "the request"


def _names(steps: list[str]) -> list[str]:
    """The steps of a path that are names; positions in lists say nothing on a command line."""
    return [step for step in steps if step and not step.isdecimal()]


def _without_fields(text: str, options: OptionsByField) -> str:
    """The text with options for the fields in it whose names only the API has."""
    for path, option in options.items():
        field = path.rpartition("/")[2]
        if "_" in field:
            text = re.sub(rf"(?<![\w/-]){re.escape(field)}(?![\w\"])", option, text)
    return text
