"""Every card describes its fields well enough to draw a form without knowing the method."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from service.core.catalogue import card_named, cards

NAMES = sorted(card.name for card in cards())


def fields_of(name: str, part: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Place, schema and need of every field of a card's inputs or parameters, nested ones too."""
    told = card_named(name).describe()[part]
    named = told.get("$defs", {})
    for place, shape in ({part: told} | named).items():
        for field, schema in shape.get("properties", {}).items():
            meant = named.get(schema.get("$ref", "").rpartition("/")[2], {})
            yield f"{place}/{field}", {**meant, **schema}, field in shape.get("required", ())


def kinds_of(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schemas of which a value, or an element of it, fits at least one."""
    for one in schema.get("anyOf", [schema]):
        yield from kinds_of(one["items"]) if "items" in one else [one]


@pytest.mark.parametrize("part", ["inputs", "params"])
@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_a_title_and_says_what_it_means(name: str, part: str):
    silent = [
        place
        for place, schema, _ in fields_of(name, part)
        if not (schema.get("title") and schema.get("description"))
    ]

    assert silent == []


@pytest.mark.parametrize("part", ["inputs", "params"])
@pytest.mark.parametrize("name", NAMES)
def test_every_field_that_may_be_left_out_has_a_default(name: str, part: str):
    unknown = [
        place
        for place, schema, needed in fields_of(name, part)
        if not needed and "default" not in schema
    ]

    assert unknown == []


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_the_parameters_says_where_its_range_begins(name: str):
    numbers = [
        (place, one)
        for place, schema, _ in fields_of(name, "params")
        for one in kinds_of(schema)
        if one.get("type") in ("integer", "number")
    ]

    endless = [place for place, one in numbers if not {"minimum", "exclusiveMinimum"} & one.keys()]

    assert endless == []
