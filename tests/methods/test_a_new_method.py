"""``docs/how-to/add-a-method.md`` works as printed: its files make a method that runs as a job."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "add-a-method.md"
FOLDERS = ("service", "workers", "zooscope", "migrations", "tests", "docs")
BLOCK = re.compile(
    r"^```\{code-block\} (\w+)\n:caption: (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
NAME = "logit_regression"


def blocks() -> list[tuple[str, str, str]]:
    """Language, path and text of every file that the page prints."""
    return BLOCK.findall(PAGE.read_text())


def applied(change: str, text: str) -> str:
    """The text with the hunks of a change; the lines around them must occur exactly once."""
    for hunk in change.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, f"{before!r} occurs {text.count(before)} times"
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree with the method of the page."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in FOLDERS:
        # What is compiled is copied along, but for files that another process writes just now.
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("*.pyc.*"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    for language, path, text in blocks():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(applied(text, file.read_text()) if language == "diff" else text)
    return tree


def run(tree: Path, *arguments: str, **variables: str) -> str:
    """What Python prints when it runs there."""
    environment: Mapping[str, str] = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tree),
        "PYTHONPATH": str(tree),
        "OMP_NUM_THREADS": "1",
        **variables,
    }
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]
    return ended.stdout


def test_the_page_needs_one_registration():
    changed = [path for language, path, _ in blocks() if language == "diff"]

    assert changed == ["service/core/catalog/__init__.py"]


def test_the_method_runs_as_a_job(tree: Path, database_url: str, tmp_path: Path):
    printed = run(tree, "-m", "tests.methods.one_job", NAME, database_url, str(tmp_path))

    job = json.loads(printed.splitlines()[-1])
    assert job["source"] == str(tree / "workers" / "methods" / NAME / "__init__.py")
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert job["result"]["model_id"]
    assert job["result"]["trained_on"] > 0


def test_the_method_has_all_that_a_method_needs(tree: Path):
    run(
        tree,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"tests/methods/{NAME}",
        "tests/methods/test_every_method.py",
        "tests/core/catalog/test_every_method_spec.py",
        "-k",
        f"{NAME} or test_every_kind or test_every_spec or student or distance",
    )
