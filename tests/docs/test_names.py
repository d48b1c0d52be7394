"""Names on pages and in docstrings are names of the code, so that a rename reaches them."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docs.printed import PAGES, ROOT, spans_of

_SOURCES = ("service", "workers", "zooscope", "benchmarks", "deploy")
_DOTTED = re.compile(r"[a-z0-9_.]+")
_IN_DOCSTRING = re.compile(r"``([a-z0-9_.]+)``")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_COMPUTED = re.compile(
    r"(model|dataset|job|ranking|map|accuracy|key)_not_(found|ready)"
    r"|unknown_(model|dataset)|invalid_(inputs|params)|agreement_1|task_1_source_2_share"
    r"|(lead_over_)?(best_teacher|teacher_1|task_1)_(accuracy|mass)"
    r"|held_out_(pinyin|tone|character(_given_pinyin(_and_tone)?)?)_error"
    r"|held_out_character_lead_over_same_text"
)
"""Codes, and metrics with the name of a teacher, a task or a stage, that the code puts together."""
_OTHERS = {
    "maintenance_work_mem",  # a setting of PostgreSQL
    "zooscope_audit_lost_total",  # Prometheus appends _total to a counter
    "logit_regression",  # the method that a guide adds
    "multi_source_42x7",  # a folder of accuracy tables
    "ignore_imports",  # a key of import-linter
}
_NOT_OURS = {ROOT / "docs" / "adr", ROOT / "docs" / "results"}
"""Decisions of their day, and names of other people's networks and tables."""
CURRENT_PAGES = [page for page in PAGES if page.parent not in _NOT_OURS]
MODULES = [path for folder in _SOURCES for path in sorted((ROOT / folder).rglob("*.py"))]


@cache
def names_of_code() -> frozenset[str]:
    """Every word of the sources outside of docstrings and comments."""
    others = [*(ROOT / "proto").rglob("*.proto"), *ROOT.glob("*.toml"), ROOT / "Makefile"]
    words = {word for path in others for word in _WORD.findall(path.read_text())}
    for module in MODULES:
        words |= {module.stem, module.parent.name, *_words_of(ast.parse(module.read_text()))}
    return frozenset(words)


def _words_of(tree: ast.Module) -> Iterator[str]:
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) not in docstrings:
            for _, value in ast.iter_fields(node):
                yield from _WORD.findall(value) if isinstance(value, str) else ()


def unknown(dotted: str) -> list[str]:
    """The parts with an underscore that the code does not have."""
    parts = [part for part in dotted.split(".") if "_" in part.strip("_")]
    names = names_of_code() | _OTHERS
    return [part for part in parts if part not in names and not _COMPUTED.fullmatch(part)]


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_on_a_page_exist(page: Path):
    names = [span for span in spans_of(page) if _DOTTED.fullmatch(span)]

    assert [name for dotted in names for name in unknown(dotted)] == []


def test_a_name_that_does_not_exist_is_noticed():
    assert unknown("students.bad_student") == ["bad_student"]


def test_names_in_docstrings_exist():
    missing = {
        (str(module.relative_to(ROOT)), name)
        for module in MODULES
        for dotted in _IN_DOCSTRING.findall(module.read_text())
        for name in unknown(dotted)
    }

    assert missing == set()
