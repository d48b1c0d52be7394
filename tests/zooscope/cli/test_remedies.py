"""A remedy on the command line names commands, and commands that exist."""

import re
from pathlib import Path

import pytest
from typer import Context
from typer.core import TyperGroup
from typer.main import get_command

import service.core.operations
from zooscope.cli.main import app
from zooscope.cli.remedies import in_commands

CALL = re.compile(r"(?:GET|POST) /v1/[^\s\"'`;,]+")
ROOT = Path(service.core.operations.__file__).parent
CALLS = sorted({call for file in ROOT.rglob("*.py") for call in CALL.findall(file.read_text())})


def exists(words: list[str]) -> bool:
    """Whether the first words are a command that runs; arguments may follow."""
    context, command = Context(get_command(app)), get_command(app)
    while isinstance(command, TyperGroup):
        name, *words = words or [""]
        next_command = command.get_command(context, name)
        if next_command is None:
            return False
        command = next_command
    return True


@pytest.mark.parametrize("call", CALLS)
def test_every_call_that_a_remedy_names_has_a_command(call: str):
    text = in_commands(f"see {call}; then go on")

    command = re.fullmatch(r"see `zooscope (.+)`; then go on", text)
    assert command is not None, text
    assert exists(command[1].split())


def test_the_ids_in_a_call_are_the_arguments_of_the_command():
    assert in_commands("use one of GET /v1/models/mdl_1/layers") == (
        "use one of `zooscope models layers mdl_1`"
    )


def test_a_command_that_does_not_exist_is_noticed():
    assert not exists(["nothing"])
    assert not exists(["models", "nothing"])
