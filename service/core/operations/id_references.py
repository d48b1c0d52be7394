"""The ids that a request names, found by the types of its fields."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel

from service.core.ids import IdKind, IdOf

M = TypeVar("M", bound=BaseModel)
_COMPOUND = (Union, UnionType, tuple, list, dict)


@dataclass(frozen=True)
class IdReference:
    """An id in a request: its JSON pointer and the kind of row that it names."""

    pointer: str
    kind: IdKind
    id: str


def id_references(model: BaseModel, pointer: str = "") -> Iterator[IdReference]:
    """Every id in a validated model, however deep; ``pointer`` is where the model is in the request."""
    for name, field in type(model).model_fields.items():
        marks = [mark.kind for mark in field.metadata if isinstance(mark, IdOf)]
        kinds = (*marks, *_kinds_in(field.annotation))
        yield from _in_value(getattr(model, name), kinds, f"{pointer}/{name}")


def with_replaced_ids(model: M, replace: Callable[[IdReference], str], pointer: str = "") -> M:
    """A validated model with what ``replace`` returns in place of every id; the model if all stay."""
    changes: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        marks = [mark.kind for mark in field.metadata if isinstance(mark, IdOf)]
        value = getattr(model, name)
        kinds = (*marks, *_kinds_in(field.annotation))
        changed = _replaced(value, kinds, f"{pointer}/{name}", replace)
        if changed is not value:
            changes[name] = changed
    return model.model_copy(update=changes) if changes else model


def _replaced(
    value: Any, kinds: Sequence[IdKind], pointer: str, replace: Callable[[IdReference], str]
) -> Any:
    """A value with its ids replaced; the same object if none changes."""
    if isinstance(value, BaseModel):
        return with_replaced_ids(value, replace, pointer)
    if isinstance(value, str):
        changed = replace(IdReference(pointer, kinds[0], value)) if kinds else value
        return value if changed == value else changed
    if isinstance(value, Mapping):
        items = {
            name: _replaced(item, kinds, f"{pointer}/{name}", replace)
            for name, item in value.items()
        }
        return items if any(items[name] is not value[name] for name in items) else value
    if isinstance(value, list | tuple):
        parts = [
            _replaced(item, kinds, f"{pointer}/{index}", replace)
            for index, item in enumerate(value)
        ]
        same = all(new is old for new, old in zip(parts, value, strict=True))
        return value if same else type(value)(parts)
    return value


def _in_value(value: Any, kinds: Sequence[IdKind], pointer: str) -> Iterator[IdReference]:
    """The ids in a value in which every text names a row of one of these kinds."""
    if isinstance(value, BaseModel):
        yield from id_references(value, pointer)
    elif isinstance(value, str):
        fitting = kinds if len(kinds) == 1 else [kind for kind in kinds if _fits(value, kind)]
        yield from (IdReference(pointer, kind, value) for kind in fitting)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _in_value(item, kinds, f"{pointer}/{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _in_value(item, kinds, f"{pointer}/{index}")


def _fits(value: str, kind: IdKind) -> bool:
    return value.startswith(f"{kind}_")


def _kinds_in(annotation: Any) -> Iterator[IdKind]:
    """The kinds of id among the texts that have this annotation."""
    if get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
        yield from (mark.kind for mark in marks if isinstance(mark, IdOf))
    if get_origin(annotation) in _COMPOUND:
        for part in get_args(annotation):
            yield from _kinds_in(part)
