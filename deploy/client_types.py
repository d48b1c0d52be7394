"""The types of the Python client, from the OpenAPI document: one TypedDict for each answer."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import rest_page

ROOT = Path(__file__).parents[1]
MODULE = ROOT / "zooscope" / "client" / "results.py"
TOP = '''"""What the zoo answers, field by field: plain dictionaries whose keys are known.

Generated from the OpenAPI document by `deploy/client_types.py`. A key that an answer may lack is
``NotRequired``.
"""

from typing import Any, Literal, NotRequired, TypedDict
'''
_SCALARS = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_REFERENCE = "#/components/schemas/"
Schema = Mapping[str, Any]


def pages() -> Mapping[Path, str]:
    """The module and what it should hold."""
    return {MODULE: _formatted(module(rest_page.document()))}


def module(document: Schema) -> str:
    """The source of the module, in an order in which every class is defined before its use."""
    schemas = document["components"]["schemas"]
    classes: dict[str, str] = {}
    for answer in _answers(document):
        for name in _references(answer):
            _define(name, schemas, classes)
    return "\n\n".join([TOP, *classes.values()])


def _answers(document: Schema) -> Iterator[Any]:
    """What the calls answer when they succeed."""
    for operations in document["paths"].values():
        for operation in operations.values():
            yield from (a for status, a in operation["responses"].items() if status[0] == "2")


def _references(value: Any) -> Iterator[str]:
    """Names of the schemas that a part of the document refers to."""
    if isinstance(value, Mapping):
        if str(value.get("$ref", "")).startswith(_REFERENCE):
            yield value["$ref"].removeprefix(_REFERENCE)
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _references(part)


def _define(name: str, schemas: Mapping[str, Schema], classes: dict[str, str]) -> None:
    """Add the class of a schema to ``classes``, behind those that it needs."""
    if name in classes:
        return
    schema = schemas[name]
    for needed in _references(schema):
        _define(needed, schemas, classes)
    # A page of a list is walked by the client and never handed out.
    if "properties" in schema and not name.startswith(("ListView", "CountedListView")):
        classes[name] = _class(name, schema, schemas)


def _class(name: str, schema: Schema, schemas: Mapping[str, Schema]) -> str:
    fields = [
        f"    {field}: {_field(field, value, schema, schemas)}"
        for field, value in schema["properties"].items()
    ]
    text = re.sub(r"\n(?=.)", "\n    ", schema["description"].strip())
    end = "\n    " if "\n" in text else ""
    head = f'class {_class_name(name)}(TypedDict):\n    """{text}{end}"""\n'
    return "\n".join([head, *fields])


def _class_name(schema: str) -> str:
    return schema.removesuffix("View")


def _field(field: str, value: Schema, schema: Schema, schemas: Mapping[str, Schema]) -> str:
    kind = _type(value, schemas)
    return kind if field in schema.get("required", ()) else f"NotRequired[{kind}]"


def _type(value: Schema, schemas: Mapping[str, Schema]) -> str:
    """The annotation for what a schema allows."""
    if "$ref" in value:
        name = value["$ref"].removeprefix(_REFERENCE)
        target = schemas[name]
        return _class_name(name) if "properties" in target else _type(target, schemas)
    if "anyOf" in value:
        return " | ".join(dict.fromkeys(_type(part, schemas) for part in value["anyOf"]))
    if "const" in value or "enum" in value:
        allowed = value.get("enum", [value.get("const")])
        return f"Literal[{', '.join(map(repr, allowed))}]"
    match value.get("type"):
        case "array":
            parts = value.get("prefixItems") or [value["items"]]
            kinds = dict.fromkeys(_type(part, schemas) for part in parts)
            return f"list[{' | '.join(kinds)}]"
        case "object":
            inner = value.get("additionalProperties")
            kind = _type(inner, schemas) if isinstance(inner, Mapping) else "Any"
            return f"dict[str, {kind}]"
        case scalar:
            return _SCALARS.get(str(scalar), "Any")


def _formatted(source: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(MODULE), "-"]
    return subprocess.run(
        command, input=source, capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
