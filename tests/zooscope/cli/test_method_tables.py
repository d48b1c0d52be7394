"""Tables of a method's fields: each thing is said once, and no line ends in blanks."""

import pytest

from zooscope.cli.methods import fields_of
from zooscope.cli.output import TableColumn, TextOutput

CHOICES = {
    "Device": {
        "enum": ["auto", "cpu"],
        "description": "Device of a training; ``auto`` leaves it to the worker.",
    }
}


def meaning(field: dict[str, object]) -> str:
    schema = {"properties": {"device": field}, "$defs": CHOICES}
    return next(fields_of(schema, "params"))["meaning"]


def test_a_field_and_its_choices_are_not_described_twice():
    kinds = [{"$ref": "#/$defs/Device"}, {"type": "null"}]
    own = "Device of the training."

    text = meaning({"description": own, "anyOf": kinds})

    assert text == f"{own} ``auto`` leaves it to the worker."


def test_a_field_without_a_description_has_that_of_its_choices():
    text = meaning({"anyOf": [{"$ref": "#/$defs/Device"}]})

    assert text == "Device of a training; ``auto`` leaves it to the worker."


def test_no_line_of_a_piped_table_ends_in_blanks(capsys: pytest.CaptureFixture[str]):
    column = TableColumn("note", lambda item: item["note"])

    TextOutput().rows([{"note": "a"}, {"note": "a long note"}], [column], empty="")

    assert capsys.readouterr().out == "note\na\na long note\n"
