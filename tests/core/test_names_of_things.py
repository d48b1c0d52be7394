"""Names show what they are, and a new model's name is no reference to another model."""

import pytest
from pydantic import ValidationError

from service.core.errors import InvalidRequestError
from service.core.manifest import Strict
from service.core.operations.new_names import require_model_name, require_name
from service.core.validation_reasons import reason_of, without_consequences

UNSEEN = ["   ", "\u200b", "\u202egnp.exe", "\ufeffx", "a\u2028b", "a\tb", ".", "..", "\u200d"]
REFERENCES = ["pin:1", "timm/fox:12", "pin@prod", "mdl_01M8PB3FHJZJXTHCHARVVT0000", "dst_1"]
PLAIN = ["fox red", "timm/fox", "resnet50.a1_in1k", "fox:IMAGENET1K_V1", "狐", "👩\u200d💻", "a@1"]


@pytest.mark.parametrize("name", UNSEEN)
def test_a_name_that_hides_something_is_refused(name: str):
    with pytest.raises(InvalidRequestError, match="blank, or has invisible characters") as refused:
        require_name(name)

    assert refused.value.code == "invalid_name"


@pytest.mark.parametrize("name", REFERENCES)
def test_a_model_cannot_have_the_name_of_a_reference(name: str):
    require_name(name)
    with pytest.raises(InvalidRequestError, match="is a reference"):
        require_model_name(name)


@pytest.mark.parametrize("name", PLAIN)
def test_any_other_name_is_taken_as_it_is(name: str):
    require_model_name(name)


class Numbers(Strict):
    """Numbers of each kind, and what is none."""

    count: int
    share: float | None = None
    flag: bool = False


@pytest.mark.parametrize("values", [{"count": True}, {"count": 1, "share": False}])
def test_truth_is_no_number(values: dict[str, object]):
    with pytest.raises(ValidationError, match="a number is needed"):
        Numbers.model_validate(values)


def test_numbers_and_truth_stay_what_they_are():
    measured = Numbers.model_validate({"count": 1, "share": None, "flag": True})

    assert (measured.count, measured.share, measured.flag) == (1, None, True)


def test_reasons_are_in_plain_words_and_consequences_are_left_out():
    findings = [
        {"loc": ("rows",), "type": "too_short", "msg": "…"},
        {"loc": ("rows", 0, "value"), "type": "value_error", "msg": "Value error, above 1"},
        {
            "loc": ("names",),
            "type": "too_short",
            "msg": "Tuple should have at least 1 item after validation, not 0",
        },
    ]

    reported = without_consequences(findings)

    assert [reason_of(finding) for finding in reported] == ["above 1", "needs at least 1, has 0"]
