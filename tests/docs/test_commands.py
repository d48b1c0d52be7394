"""Every command line on a page is one that the command line interface takes, and names what exists."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from service.settings import Settings
from tests.docs.job_requests import require_fitting, submitted
from tests.docs.printed import PAGES, ROOT, PrintedBlock, blocks, spans_of
from tests.docs.shell_words import commands_in
from workers.tools.ranking_bench.__main__ import _parser as bench_parser
from zooscope.cli.main import app
from zooscope.packing.__main__ import _parser as pack_parser

SHELL = blocks("bash", "sh")
FORWARDED = {("pack",): pack_parser, ("bench", "ranking"): bench_parser}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
NOT_COMMANDS = {"zooscope home 1"}  # the first line that a home folder's proof signs
VARIABLES = {"ZOO_URL", "ZOO_KEY", *(f"ZOO_{name.upper()}" for name in Settings.model_fields)}


def of_zooscope(block: PrintedBlock) -> list[list[str]]:
    """The words behind ``zooscope`` of each of its commands in a block."""
    commands = [words for words in commands_in(block.text) if Path(words[0]).name == "zooscope"]
    return [words[1:] for words in commands]


WITH_COMMANDS = [block for block in SHELL if of_zooscope(block)]


def command_of(words: Sequence[str]) -> tuple[Any, tuple[str, ...], list[str]]:
    """The command that the words name, its name, and its arguments."""
    command, rest = get_command(app), list(words)
    while isinstance(command, TyperGroup) and rest:
        context = command.context_class(command, info_name="zooscope")
        below = command.get_command(context, rest[0])
        assert below is not None, f"there is no zooscope {' '.join(words)}"
        command, rest = below, rest[1:]
    return command, tuple(words[: len(words) - len(rest)]), rest


def with_files(arguments: Sequence[str]) -> list[str]:
    """The arguments; the files that they name exist."""
    for before, word in zip(["", *arguments], arguments, strict=False):
        names_a_file = "." in word or not before.startswith("-")
        if names_a_file and not word.startswith(("-", "/", "$")):
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()
        if before == "--support":
            Path(word).mkdir(exist_ok=True)
    return list(arguments)


def require_complete(words: Sequence[str]) -> None:
    """Raise where the command line interface does not take these words."""
    command, name, arguments = command_of(words)
    if name in FORWARDED:
        FORWARDED[name]().parse_args(arguments)
        return
    context = command.make_context(" ".join(name), with_files(arguments))
    if name == ("jobs", "submit"):
        require_fitting(submitted(context.params))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the test runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", WITH_COMMANDS, ids=str)
@pytest.mark.usefixtures("folder")
def test_commands_of_a_block_are_complete(block: PrintedBlock):
    for words in of_zooscope(block):
        require_complete(words)


@pytest.mark.parametrize(
    "line",
    [
        "records ls",
        "rank --targets dst_1",
        "rank --metric deparas",
        "models show",
        "jobs submit fine_tune --source mdl_1 --dataset dst_1 --set rate=0.1",
        "jobs submit fine_tune --teacher mdl_1 --dataset dst_1",
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_command_line_that_does_not_exist_is_noticed(line: str):
    with pytest.raises(Exception, match=r"records|--targets|deparas|model|rate"):
        require_complete(line.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_inside_sentences_have_only_options_that_exist(page: Path):
    spans = {span.replace("…", "") for span in spans_of(page) if span.startswith("zooscope ")}
    for span in spans - NOT_COMMANDS:
        for words in commands_in(span):
            command, name, arguments = command_of(words[1:])
            if name not in FORWARDED and name:
                context = command.context_class(command, info_name=" ".join(name))
                command.make_parser(context).parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_variables_targets_and_modules_that_exist(page: Path):
    shell = [block.text for block in SHELL if block.page == page]
    lines = [*shell, *spans_of(page)]

    variables = set(re.findall(r"\bZOO_[A-Z_]+", page.read_text()))
    targets = set(re.findall(r"(?:^|[\s&])make ([a-z]+(?:-[a-z]+)*)", "\n".join(lines)))
    modules = re.findall(
        r"python -m ((?:benchmarks|tests|workers|zooscope)[\w.]*)", "\n".join(lines)
    )

    assert variables <= VARIABLES
    assert targets <= TARGETS
    assert [name for name in modules if find_spec(name) is None] == []
