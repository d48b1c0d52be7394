"""``zooscope methods``: the methods that jobs can run."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from zooscope.cli.context import CliContext, command
from zooscope.cli.output import Overflow, TableColumn

app = typer.Typer(help="Methods that jobs can run: list, show.", no_args_is_help=True)

Schema = Mapping[str, Any]
_COLUMNS = (
    TableColumn("name", lambda method: method["name"]),
    TableColumn("title", lambda method: method["title"]),
    TableColumn("source", lambda method: method["source"]),
)
_FIELDS = (
    TableColumn("option", lambda field: field["option"], overflow=Overflow.KEEP),
    TableColumn("type", lambda field: field["type"]),
    TableColumn("default", lambda field: field["default"]),
    TableColumn("range", lambda field: field["range"]),
    TableColumn("meaning", lambda field: field["meaning"]),
)
# Fields with their own option; all others use --input and --set.
_OPTIONS = {
    "inputs": {
        "teachers": "--teacher",
        "source_model_id": "--source",
        "dataset_id": "--dataset",
        "eval_dataset_id": "--eval-dataset",
    },
    "params": {"seed": "--seed", "device": "--device", "budget": "--budget"},
}
_GENERAL = {"inputs": "--input", "params": "--set"}


@command(app)
def ls(context: CliContext) -> None:
    """List the methods that jobs can run."""
    context.out.rows(context.zoo.methods.ls(), _COLUMNS, empty="no methods")


@command(app)
def show(
    context: CliContext,
    *,
    name: Annotated[str, typer.Argument(metavar="METHOD", help="Name of the method.")],
) -> None:
    """Show the inputs and parameters of a method: type, default, range and meaning."""
    method = context.zoo.methods.show(name)
    lines = (method["title"], method["source"], f"result: {method['result']}")
    context.out.done(method, "\n".join(lines))
    fields = [field for part in _GENERAL for field in fields_of(method[part], part)]
    context.out.details(fields, _FIELDS)


def fields_of(schema: Schema, part: str) -> Iterator[dict[str, str]]:
    """The fields in the JSON schema of inputs or parameters; those of a student one by one."""
    shapes = schema.get("$defs", {})
    for name, property_schema in schema.get("properties", {}).items():
        field = _resolved(property_schema, shapes)
        option = _OPTIONS[part].get(name) or f"{_GENERAL[part]} {name}="
        if name == "student":
            inner = field["properties"].items()
            fields = [
                (f"--student {key}=", _resolved(student_field, shapes), False)
                for key, student_field in inner
            ]
        else:
            fields = [(option, field, name in schema.get("required", ()))]
        for option_text, field_schema, required in fields:
            yield {
                "option": option_text,
                "type": _type_of(field_schema, shapes),
                "default": "required" if required else _value(field_schema.get("default")),
                "range": _range_of(field_schema),
                "meaning": " ".join(_description(field_schema, shapes).split()),
            }


def _resolved(schema: Schema, shapes: Schema) -> dict[str, Any]:
    """A schema merged with the definition that it refers to."""
    named = shapes.get(schema.get("$ref", "").rpartition("/")[2], {})
    return {**named, **schema}


def _description(schema: Schema, shapes: Schema) -> str:
    """The description of a field, then what those of its choices add to it."""
    named = [shapes.get(kind.get("$ref", "").rpartition("/")[2], {}) for kind in _kinds(schema)]
    own = schema.get("description", "")
    choices = [kind.get("description", "") for kind in named if "enum" in kind]
    return "\n".join([own, *(_details(choice) for choice in choices)] if own else choices)


def _details(description: str) -> str:
    """What follows the first clause, which only names the choice that the field has named."""
    text = re.split(r"[.:;]\s+", description, maxsplit=1)[1:]
    return "".join(text)[:1].upper() + "".join(text)[1:]


def _kinds(schema: Schema) -> list[Schema]:
    """The alternatives of a schema, without null."""
    return [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]


def _type_of(schema: Schema, shapes: Schema) -> str:
    """Name of a type: its choices, or its kind."""
    return " or ".join(_kind(_resolved(kind, shapes), shapes) for kind in _kinds(schema)) or "null"


def _kind(schema: Schema, shapes: Schema) -> str:
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type_of(schema['items'], shapes)}"
    if schema.get("type") == "object" and "properties" in schema:
        return "{" + ", ".join(schema["properties"]) + "}"
    return str(schema.get("format") or schema.get("type", "anything"))


def _range_of(schema: Schema) -> str:
    """The bounds of a number, or of the length of a text or list."""
    signs = (
        ("minimum", "≥ {}"),
        ("exclusiveMinimum", "> {}"),
        ("maximum", "≤ {}"),
        ("exclusiveMaximum", "< {}"),
        ("minItems", "at least {}"),
        ("maxItems", "at most {}"),
        ("maxLength", "≤ {} characters"),
    )
    return ", ".join(
        words.format(_value(kind[limit]))
        for kind in _kinds(schema)
        for limit, words in signs
        if limit in kind
    )


def _value(value: Any) -> str:
    """A default or bound as you type it; a dash if the zoo chooses."""
    if value is None:
        return "–"
    if isinstance(value, dict):
        present = {name: item for name, item in value.items() if item is not None}
        return json.dumps(present, ensure_ascii=False) if present else "–"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
