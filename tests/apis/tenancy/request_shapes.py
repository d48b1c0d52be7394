"""Requests built from their schemas: the smallest valid one, and one with a text at any place."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from service.core.ids import IdKind

Schema = dict[str, Any]
Path = tuple[str | int, ...]
Ids = Mapping[IdKind, str]
_ID_NAME = re.compile(r"(^|_)ids?$")
_NOUNS = {"probe_set": IdKind.DATASET, "relative": IdKind.MODEL}
_IN_TEXT = (IdKind.MODEL, IdKind.DATASET)
_DEEPEST = 8
_MOST_COMPANIONS = 2
_BYTES = b64encode(b"\x89PNG").decode()


@dataclass(frozen=True)
class TextField:
    """A place of a request that takes free text."""

    path: Path
    schema: Schema

    @property
    def name(self) -> str:
        """The last name of the path; a list goes by the name of its field."""
        return next(str(part) for part in reversed(self.path) if isinstance(part, str))

    @property
    def is_id(self) -> bool:
        """Whether the name or the schema declares an id."""
        return bool(_ID_NAME.search(self.name) or self.schema.get("format", "").endswith("-id"))

    @property
    def kind(self) -> IdKind | None:
        """The kind of row that an id names; None if neither schema nor name reveals it."""
        if not self.is_id:
            return None
        stem = self.schema.get("format") or _ID_NAME.sub("", self.name)
        return kind_of(stem.removesuffix("-id").replace("-", "_"))

    @property
    def kinds(self) -> tuple[IdKind, ...]:
        """The kinds of ids to try here: the declared one, all for an id, and the usual ones for text."""
        if self.kind is not None:
            return (self.kind,)
        return tuple(IdKind) if self.is_id else _IN_TEXT


def kind_of(stem: str) -> IdKind | None:
    """The kind whose name ``stem`` ends with, or that ends with ``stem``: ``selection``, ``source_model``."""
    for kind in IdKind:
        noun = kind.name.lower()
        if stem and (noun.endswith(stem) or stem.endswith(noun)):
            return kind
    return _NOUNS.get(stem)


def inlined(schema: Any, definitions: Mapping[str, Any], depth: int = _DEEPEST) -> Any:
    """A schema in which every reference is replaced by what it refers to."""
    if isinstance(schema, list):
        return [inlined(item, definitions, depth) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        if depth == 0:
            return {}
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return inlined({**target, **_without_ref(schema)}, definitions, depth - 1)
    return {name: inlined(value, definitions, depth) for name, value in schema.items()}


def _without_ref(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name != "$ref"}


def text_fields(schema: Schema, path: Path = ()) -> Iterator[TextField]:
    """Every place for free text, in nested objects, lists and alternatives."""
    for branch in branches(schema):
        if branch.get("type") == "object":
            for name, value in branch.get("properties", {}).items():
                yield from text_fields(value, (*path, name))
        elif branch.get("type") == "array":
            yield from text_fields(branch.get("items", {}), (*path, 0))
        elif branch.get("type") == "string" and not _is_fixed(branch):
            yield TextField(path, branch)


def branches(schema: Schema) -> list[Schema]:
    """The alternatives of a schema; the schema itself if it has none."""
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    typed = [item for option in options for item in branches(option) if item.get("type")]
    return typed or [schema]


def _is_fixed(schema: Schema) -> bool:
    return "enum" in schema or "const" in schema or schema.get("format") == "binary"


def sample(schema: Schema, name: str, ids: Ids) -> Any:
    """The smallest valid value; an id is that of a row in ``ids``."""
    branch = next((item for item in branches(schema) if item.get("type") != "null"), schema)
    if "const" in branch or "enum" in branch:
        return branch.get("const", (branch.get("enum") or [None])[0])
    match branch.get("type"):
        case "object":
            properties = branch.get("properties", {})
            needed = branch.get("required", ())
            return {item: sample(properties[item], item, ids) for item in needed}
        case "array":
            return [sample(branch["items"], name, ids)] * branch.get("minItems", 0)
        case "integer" | "number":
            return branch.get("minimum", branch.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return False
        case _:
            return _text_sample(branch, name, ids)


def _text_sample(schema: Schema, name: str, ids: Ids) -> str:
    if schema.get("format") == "binary":
        return _BYTES
    kind = TextField((name,), schema).kind
    return ids[kind] if kind is not None else "a" * max(1, schema.get("minLength", 1))


def with_text(request: Any, schema: Schema, path: Path, text: str, ids: Ids) -> Any:
    """A copy of the request with a text at a path; what lies between is made as needed."""
    changed = deepcopy(request)
    return _set(changed, schema, path, text, ids)


def _set(value: Any, schema: Schema, path: Path, text: str, ids: Ids) -> Any:
    if not path:
        return text
    head, *rest = path
    if isinstance(head, int):
        branch = next(item for item in branches(schema) if item.get("type") == "array")
        first = value[0] if value else sample(branch["items"], "", ids)
        return [_set(first, branch["items"], tuple(rest), text, ids), *(value or ())[1:]]
    branch = next(item for item in branches(schema) if head in item.get("properties", {}))
    if not isinstance(value, dict):
        value = sample(branch, head, ids)
    inner = branch["properties"][head]
    for other in [name for name in value if name != head]:
        if inner.get("choice") and branch["properties"][other].get("choice") == inner["choice"]:
            del value[other]  # Of a choice, a request has one alternative.
    value[head] = _set(value.get(head), inner, tuple(rest), text, ids)
    return value


def companions(fields: list[TextField], field: TextField) -> Iterator[tuple[TextField, ...]]:
    """Sets of other ids to send along, the smallest first: an id can need others beside it."""
    others = [other for other in fields if other.kind is not None and other.path != field.path]
    for size in range(_MOST_COMPANIONS + 1):
        yield from combinations(others, size)
