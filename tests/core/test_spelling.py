"""An unknown name is answered with the name that was meant, or with the names there are."""

import pytest
from pydantic import ValidationError

from service.core.catalog import method_named
from service.core.errors import NotFoundError
from service.core.manifest import ModelManifest
from service.core.spelling import suggestion


@pytest.mark.parametrize(
    ("name", "meant"),
    [("taks", "task"), ("Task", "task"), ("trained-on", "trained_on"), ("licence", "license")],
)
def test_a_slip_is_answered_with_the_name_that_was_meant(name: str, meant: str):
    hint = suggestion(name, ModelManifest.model_fields, kind="fields")

    assert f"`{meant}`" in hint
    assert hint.startswith("did you mean")


def test_a_name_like_no_other_is_answered_with_all_names():
    assert suggestion("zebra", ["input", "task"], kind="fields") == "the fields are input, task"
    assert suggestion("x" * 10**6, ["input"], kind="fields") == "the fields are input"
    assert suggestion("zebra", [], kind="projects") == "there are no projects"


def test_unknown_fields_at_every_depth_are_explained_beside_the_other_problems():
    manifest = {
        "name": "a{0}",
        "format": "pt2",
        "input": {"height": 8, "widht": 8},
        "taks": "other",
        "tags": ["{b}"],
    }

    with pytest.raises(ValidationError) as raised:
        ModelManifest.model_validate(manifest)

    reasons = {item["loc"]: (item["type"], item["msg"]) for item in raised.value.errors()}
    assert reasons["input", "widht"] == (
        "extra_forbidden",
        "unknown field; did you mean `width`?",
    )
    assert reasons["input", "width"] == ("missing", "Field required")
    assert "did you mean `task`" in reasons["taks",][1]
    assert reasons["tags", 0][0] == "string_pattern_mismatch"


def test_an_unknown_method_is_answered_with_the_method_that_was_meant():
    with pytest.raises(NotFoundError) as raised:
        method_named("knowledge-distilation")

    assert raised.value.remedy is not None
    assert "`knowledge_distillation`" in raised.value.remedy
