"""Ids of a request are declared by their types, so that one walk finds and resolves all of them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from service.core.catalog import all_methods
from service.core.ids import DatasetId, IdKind, MapId, ModelId, RankingId, new_id
from service.core.operations.id_references import IdReference, id_references


class Inner(BaseModel):
    """An id below another field."""

    init: ModelId | None = None


class DeclaredRequest(BaseModel):
    """Ids in every place that a field can have."""

    plain: DatasetId
    optional: MapId | None = None
    described: RankingId | None = Field(None, description="a ranking")
    several: tuple[ModelId, ...] = ()
    nested: Inner = Inner()
    many: list[Inner] = []
    by_name: dict[str, ModelId] = {}
    text: str = "mdl_1"
    lists: tuple[tuple[ModelId, ...], ...] | None = None


def test_every_declared_id_is_found_with_its_pointer():
    request = DeclaredRequest(
        plain="dst_1",
        optional="map_1",
        described="rnk_1",
        several=("mdl_1", "mdl_2"),
        nested=Inner(init="mdl_3"),
        many=[Inner(), Inner(init="mdl_4")],
        by_name={"a": "mdl_5"},
        lists=(("mdl_6",),),
    )

    assert [*id_references(request, "/inputs")] == [
        IdReference("/inputs/plain", IdKind.DATASET, "dst_1"),
        IdReference("/inputs/optional", IdKind.MAP, "map_1"),
        IdReference("/inputs/described", IdKind.RANKING, "rnk_1"),
        IdReference("/inputs/several/0", IdKind.MODEL, "mdl_1"),
        IdReference("/inputs/several/1", IdKind.MODEL, "mdl_2"),
        IdReference("/inputs/nested/init", IdKind.MODEL, "mdl_3"),
        IdReference("/inputs/many/1/init", IdKind.MODEL, "mdl_4"),
        IdReference("/inputs/by_name/a", IdKind.MODEL, "mdl_5"),
        IdReference("/inputs/lists/0/0", IdKind.MODEL, "mdl_6"),
    ]


def test_no_field_without_an_id_is_taken_for_one():
    assert [*id_references(DeclaredRequest(plain="dst_1"))] == [
        IdReference("/plain", IdKind.DATASET, "dst_1")
    ]


@pytest.mark.parametrize("text", ["mdl_1", "map_", "map_1/../2", "map_1\n", "m" * 99, ""])
def test_an_id_of_another_kind_or_form_is_refused(text: str):
    with pytest.raises(ValidationError):
        DeclaredRequest(plain="dst_1", optional=text)


def test_models_and_datasets_may_be_named():
    assert DeclaredRequest(plain="my farm", several=("fox:2", "fox@prod")).several

    for text in ("", "a\0b", "d" * 301):
        with pytest.raises(ValidationError):
            DeclaredRequest(plain=text)


def test_a_new_id_fits_its_type():
    assert DeclaredRequest(plain=new_id(IdKind.DATASET)).plain


def test_every_field_of_a_method_that_is_called_an_id_is_declared_as_one():
    undeclared = [
        f"{spec.name}: {name}"
        for spec in all_methods()
        for shape in (spec.inputs, spec.params)
        for name, schema in fields_of(shape.model_json_schema())
        if re.search(r"(^|_)ids?$", name) and "-id" not in repr(schema)
    ]

    # A training without images takes `dataset_id` as null alone.
    assert sorted(undeclared) == [
        "adversarial_distillation: dataset_id",
        "dual_gan_amalgamation: dataset_id",
        "dynamic_instance_normalization: eval_dataset_id",
    ]


def fields_of(schema: Any) -> Iterator[tuple[str, Any]]:
    """Name and schema of every property, nested ones too."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for value in schema.values():
            yield from fields_of(value)
