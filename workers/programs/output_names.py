"""The names of a network's outputs, from the structure that its export describes."""

import json
from collections.abc import Iterator
from typing import Any

from workers.programs.bounded_json import checked, field, parse_bounded
from workers.programs.refusal import ProgramRefusedError

SINGLE = "output"
_LONGEST = 100
_DEEPEST = 20


def leaf_names(module: dict[str, Any], *, count: int) -> tuple[str, ...]:
    """A name for each of ``count`` values that the network returns, all different.

    A key of a dictionary or a field of a named tuple is a name, and nested ones are joined by a
    point. Anything else has its position. A single value is called "output".

    Raises:
        ProgramRefusedError: ``broken_json`` or ``json_too_large``.
    """
    positions = tuple(map(str, range(count)))
    spec = _returned(module)
    if spec is None:
        return positions if count > 1 else (SINGLE,) * count
    fields = checked(module.get("treespec_namedtuple_fields") or {}, dict, what="field names")
    names = tuple(name[:_LONGEST] for name in _names(spec, fields, prefix=(), depth=0))
    if len(names) != count or len(set(names)) != count:
        return positions
    return tuple(name or SINGLE for name in names)


def _returned(module: dict[str, Any]) -> dict[str, Any] | None:
    """The structure of what the network returns; None if the export does not describe it."""
    for entry in checked(module.get("module_call_graph") or [], list, what="calls"):
        signature = checked(entry, dict, what="a call").get("signature")
        if entry.get("fqn") != "" or not isinstance(signature, dict):
            continue
        text = signature.get("out_spec")
        if not isinstance(text, str):
            return None
        wrapped = parse_bounded(f'{{"spec": {text}}}'.encode(), what="the outputs' structure")
        return _structure(wrapped["spec"])
    return None


def _structure(spec: Any) -> dict[str, Any] | None:
    """The tree behind its protocol number, ``[1, tree]``."""
    if isinstance(spec, list) and spec and isinstance(spec[-1], dict):
        return spec[-1]
    return None


def _names(
    spec: dict[str, Any], fields: dict[str, Any], *, prefix: tuple[str, ...], depth: int
) -> Iterator[str]:
    children = field(spec, "children_spec", list)
    if spec.get("type") is None and not children:
        yield ".".join(prefix)
        return
    if depth > _DEEPEST:
        raise ProgramRefusedError("graph_too_large", "the outputs are nested too deeply")
    keys = _keys(spec.get("context"), fields, count=len(children))
    for key, child in zip(keys, children, strict=True):
        inner = checked(child, dict, what="an output")
        yield from _names(inner, fields, prefix=(*prefix, key), depth=depth + 1)


def _keys(context: Any, fields: dict[str, Any], *, count: int) -> list[str]:
    """The names of a node's children: keys, fields of a named tuple, or positions."""
    value = _parsed(context)
    if isinstance(value, str) and isinstance(fields.get(value), dict):
        value = fields[value].get("field_names")
    if (
        isinstance(value, list)
        and len(value) == count
        and all(isinstance(name, str) and name.isprintable() and name for name in value)
    ):
        return [str(name) for name in value]
    return [str(position) for position in range(count)]


def _parsed(context: Any) -> Any:
    """A context is JSON inside of JSON."""
    if not isinstance(context, str) or len(context) > _LONGEST * _LONGEST:
        return None
    try:
        return json.loads(context)
    except (ValueError, RecursionError):
        return None
