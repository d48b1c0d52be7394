"""Every card describes its fields well enough to draw a form without knowing the method."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest

from service.core.catalog import MethodKind, all_methods, method_named, methods_of

NAMES = sorted(spec.name for spec in all_methods())


def fields_of(name: str, part: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Place, schema and need of every field of a card's inputs or parameters, nested ones too."""
    part_schema = method_named(name).describe()[part]
    named = part_schema.get("$defs", {})
    for definition, shape in ({part: part_schema} | named).items():
        for field, schema in shape.get("properties", {}).items():
            meant = named.get(schema.get("$ref", "").rpartition("/")[2], {})
            yield f"{definition}/{field}", {**meant, **schema}, field in shape.get("required", ())


def kinds_of(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schemas of which a value, or an element of it, fits at least one."""
    for option in schema.get("anyOf", [schema]):
        yield from kinds_of(option["items"]) if "items" in option else [option]


@pytest.mark.parametrize("part", ["inputs", "params"])
@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_a_title_and_says_what_it_means(name: str, part: str):
    silent = [
        path
        for path, schema, _ in fields_of(name, part)
        if not (schema.get("title") and schema.get("description"))
    ]

    assert silent == []


@pytest.mark.parametrize("part", ["inputs", "params"])
@pytest.mark.parametrize("name", NAMES)
def test_every_field_that_may_be_left_out_has_a_default(name: str, part: str):
    unknown = [
        path
        for path, schema, needed in fields_of(name, part)
        if not needed and "default" not in schema
    ]

    assert unknown == []


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_the_parameters_says_where_its_range_begins(name: str):
    numbers = [
        (path, kind)
        for path, schema, _ in fields_of(name, "params")
        for kind in kinds_of(schema)
        if kind.get("type") in ("integer", "number")
    ]

    endless = [path for path, kind in numbers if not {"minimum", "exclusiveMinimum"} & kind.keys()]

    assert endless == []


@pytest.mark.parametrize("part", ["inputs", "params"])
@pytest.mark.parametrize("name", NAMES)
def test_descriptions_are_words_for_readers_of_json(name: str, part: str):
    text = json.dumps(method_named(name).describe()[part])
    strange = [word for word in ("None", "True", "False", "``") if word in text]

    assert strange == []


@pytest.mark.parametrize("name", [spec.name for spec in methods_of(MethodKind.TRAINING)])
def test_a_form_of_a_training_can_offer_networks_sets_and_layers(name: str):
    fields = {
        path.partition("/")[2]: [kind.get("format") for kind in kinds_of(schema)]
        for part in ("inputs", "params")
        for path, schema, _ in fields_of(name, part)
    }

    chosen = {field: formats for field, formats in fields.items() if any(formats)}
    layers = chosen.keys() & {"layer", "teacher_layer", "teacher_layers", "cuts"}

    assert (chosen.get("teachers") or chosen.get("source_model_id")) == ["model-id"]
    # A stylizer is measured on shares of its pictures that are held out.
    held_out = name == "dynamic_instance_normalization"
    assert chosen.get("eval_dataset_id") == (None if held_out else ["dataset-id", None])
    assert all("layer-name" in chosen[field] for field in layers)


@pytest.mark.parametrize("budget", [{"steps": 5}, {"steps": 5, "seconds": None}, {"seconds": 1.5}])
def test_the_schema_of_a_budget_takes_steps_or_seconds(budget: dict[str, Any]):
    assert jsonschema_rs.is_valid(_schema_of_a_budget(), budget)


@pytest.mark.parametrize(
    "budget", [{"steps": 5, "seconds": 1}, {"steps": None, "seconds": None}, {}]
)
def test_the_schema_of_a_budget_refuses_both_and_neither(budget: dict[str, Any]):
    assert not jsonschema_rs.is_valid(_schema_of_a_budget(), budget)


def _schema_of_a_budget() -> Any:
    return method_named("fine_tune").describe()["params"]["$defs"]["Budget"]
