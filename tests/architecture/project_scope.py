"""Finds loads of a project's rows by id that bypass ``owned_rows``, and queries without a project."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.core.operations import owned_rows
from service.core.tables import TableRow
from service.core.tables.base import Owned

LOADER = "service/core/operations/owned_rows.py"
# What serves the machine and not a caller: it works on jobs of every project alike.
FOR_ALL_PROJECTS = (
    "service/core/operations/access/keys.py",
    "service/core/operations/jobs/lifecycle.py",
    "service/core/operations/jobs/reaper.py",
    "service/core/operations/jobs/events.py",
    "service/core/operations/project_events.py",
    "service/core/operations/zoo/damage.py",
    "service/scheduler/",
)
_OWNED = {table.__name__ for table in owned_rows.KINDS}
_LOADS = {"get", "get_one"}


def owned_tables() -> set[type]:
    """The tables whose rows belong to a project."""
    return {
        mapper.class_ for mapper in TableRow.registry.mappers if issubclass(mapper.class_, Owned)
    }


def bypasses(root: Path) -> Iterator[str]:
    """Every bypass in the service and the workers."""
    for package in ("service", "workers"):
        for file in sorted((root / package).rglob("*.py")):
            name = file.relative_to(root).as_posix()
            if name == LOADER or "/stubs/" in name:
                continue
            find = keyed_loads if name.startswith(FOR_ALL_PROJECTS) else bypasses_in
            yield from (f"{name}:{position}" for position in find(file.read_text()))


def bypasses_in(source: str) -> Iterator[str]:
    """Line and kind of every bypass in a module that serves callers."""
    yield from keyed_loads(source)
    for definition in ast.parse(source).body:
        if isinstance(definition, ast.FunctionDef | ast.ClassDef) and not _names_project(
            definition
        ):
            for node in ast.walk(definition):
                if _selects_by_id(node):
                    yield f"{node.lineno} selects rows by id without their project"


def keyed_loads(source: str) -> Iterator[str]:
    """Line and kind of every load by primary key."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _loads_by_key(node):
            yield f"{node.lineno} loads a row by its key"


def _loads_by_key(call: ast.Call) -> bool:
    """Whether the call is ``session.get(Table, …)`` of a table that belongs to a project."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _LOADS or not call.args:
        return False
    owner = function.value.attr if isinstance(function.value, ast.Attribute) else function.value
    name = owner if isinstance(owner, str) else getattr(owner, "id", "")
    if not name.endswith("session"):
        return False
    table = call.args[0]
    return not isinstance(table, ast.Name) or table.id in _OWNED or not table.id.endswith("Record")


def _selects_by_id(node: Any) -> bool:
    """Whether the expression compares the id of such a table with a value, not with a column."""
    if isinstance(node, ast.Compare) and _is_id(node.left):
        return isinstance(node.ops[0], ast.Eq) and not _is_column(node.comparators[0])
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "in_"
        and _is_id(node.func.value)
    )


def _is_id(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "id"
        and isinstance(node.value, ast.Name)
        and node.value.id in _OWNED
    )


def _is_column(node: ast.AST) -> bool:
    """``GraphRecord.model_id`` or ``first.c.model_id``."""
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value
    return (isinstance(owner, ast.Name) and owner.id.endswith("Record")) or (
        isinstance(owner, ast.Attribute) and owner.attr == "c"
    )


def _names_project(definition: ast.AST) -> bool:
    return any(
        "project" in (getattr(node, "attr", ""), getattr(node, "id", ""), getattr(node, "arg", ""))
        or getattr(node, "attr", "") == "_project"
        for node in ast.walk(definition)
    )
