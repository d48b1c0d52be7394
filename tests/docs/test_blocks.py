"""A fenced block names its language, and one that is to be run as printed is complete."""

import re
from collections import defaultdict

import pytest

from tests.docs.printed import PrintedBlock, blocks
from tests.docs.shell_words import SUBSTITUTED, commands_in, without_comments


def test_every_block_names_its_language():
    assert [str(block) for block in blocks("")] == []


@pytest.mark.parametrize("block", blocks("bash", "python"), ids=str)
def test_a_block_to_run_leaves_nothing_out(block: PrintedBlock):
    assert "…" not in without_comments(block.text)


def test_a_shell_function_means_the_same_on_every_page():
    meanings: dict[str, set[str]] = defaultdict(set)
    for block in blocks("bash", "sh"):
        for name, body in re.findall(r"^(\w+)\(\) (\{.*\})$", block.text, re.MULTILINE):
            meanings[name].add(body)

    assert "named" in meanings
    assert {name: bodies for name, bodies in meanings.items() if len(bodies) > 1} == {}


def test_commands_are_split_as_a_shell_splits_them():
    text = (
        "export A=$PWD B=c; one 'x y' \\\n  --two > out.txt\n"
        "three $(four \"$(five)\") | six && seven <<'END'\nnot a command\nEND\neight  # nine\n"
    )

    assert list(commands_in(text)) == [
        ["five"],
        ["four", SUBSTITUTED],
        ["one", "x y", "--two"],
        ["three", SUBSTITUTED],
        ["six"],
        ["seven"],
        ["eight"],
    ]
