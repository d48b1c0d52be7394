"""``zooscope methods``: what jobs can run."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from zooscope.cli.context import Talk, command
from zooscope.cli.output import Give, TableColumn

app = typer.Typer(help="What jobs can run, and what it takes.", no_args_is_help=True)

Schema = Mapping[str, Any]
_COLUMNS = (
    TableColumn("name", lambda method: method["name"]),
    TableColumn("title", lambda method: method["title"]),
    TableColumn("source", lambda method: method["source"]),
)
_FIELDS = (
    TableColumn("given by", lambda field: field["option"], give=Give.STAYS),
    TableColumn("type", lambda field: field["type"]),
    TableColumn("default", lambda field: field["default"]),
    TableColumn("range", lambda field: field["range"]),
    TableColumn("meaning", lambda field: field["meaning"]),
)
# Fields with an option of their own; all others are given by --input and --set.
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
def ls(talk: Talk) -> None:
    """List what jobs can run."""
    talk.out.rows(talk.zoo.methods.ls(), _COLUMNS, empty="no methods")


@command(app)
def show(
    talk: Talk, *, name: Annotated[str, typer.Argument(metavar="METHOD", help="Its name.")]
) -> None:
    """Show what a method takes: every input and parameter, its type, default, range and meaning."""
    method = talk.zoo.methods.show(name)
    lines = (method["title"], method["source"], f"makes: {method['result']}")
    talk.out.done(method, "\n".join(lines))
    fields = [field for part in _GENERAL for field in fields_of(method[part], part)]
    talk.out.part(fields, _FIELDS)


def fields_of(schema: Schema, part: str) -> Iterator[dict[str, str]]:
    """The fields of the JSON schema of inputs or parameters, those of a student one by one."""
    shapes = schema.get("$defs", {})
    for name, given in schema.get("properties", {}).items():
        field = _meant(given, shapes)
        option = _OPTIONS[part].get(name) or f"{_GENERAL[part]} {name}="
        if name == "student":
            inner = field["properties"].items()
            fields = [(f"--student {key}=", _meant(one, shapes), False) for key, one in inner]
        else:
            fields = [(option, field, name in schema.get("required", ()))]
        for words, one, needed in fields:
            yield {
                "option": words,
                "type": _type_of(one, shapes),
                "default": "must be given" if needed else _value(one.get("default")),
                "range": _range_of(one),
                "meaning": " ".join(_told(one, shapes).split()),
            }


def _meant(schema: Schema, shapes: Schema) -> dict[str, Any]:
    """A schema with what it refers to."""
    named = shapes.get(schema.get("$ref", "").rpartition("/")[2], {})
    return {**named, **schema}


def _told(schema: Schema, shapes: Schema) -> str:
    """What a field means, then what its choices do."""
    named = [shapes.get(one.get("$ref", "").rpartition("/")[2], {}) for one in _kinds(schema)]
    own = schema.get("description", "")
    choices = [one.get("description", "").removeprefix(own) for one in named if "enum" in one]
    return "\n".join([own, *choices])


def _kinds(schema: Schema) -> list[Schema]:
    """The schemas of which a value fits one, but for null."""
    return [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]


def _type_of(schema: Schema, shapes: Schema) -> str:
    """Words for what a value is: the choices, or the kind."""
    return " or ".join(_kind(_meant(one, shapes), shapes) for one in _kinds(schema)) or "null"


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
    """The bounds of a number, a text's length or a list's."""
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
        words.format(_value(one[limit]))
        for one in _kinds(schema)
        for limit, words in signs
        if limit in one
    )


def _value(value: Any) -> str:
    """A default or bound as one would type it; what is left to the zoo is a dash."""
    if value is None:
        return "–"
    if isinstance(value, dict):
        given = {name: one for name, one in value.items() if one is not None}
        return json.dumps(given, ensure_ascii=False) if given else "–"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
