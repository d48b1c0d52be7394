"""Every import contract fails when its rule is broken: a contract that cannot fail guards nothing."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]

# One forbidden import for each contract: the file that sins, and its sin.
SINS = {
    "service-floors": ("service/wiring.py", "import service.rest.app"),
    "core-floors": ("service/core/errors.py", "import service.core.records"),
    "supervisor-floors": ("workers/cradle.py", "import workers.runner"),
    "child-floors": ("workers/torchkit/edges.py", "import workers.methods.depara"),
    "halves": ("service/core/ids.py", "import workers.contract"),
    "no-doors": ("workers/staging.py", "import service.rest.app"),
    "plain-core": ("service/core/blobs.py", "import fastapi"),
    "light-service": ("service/rest/app.py", "import torch"),
    "lone-numpy": ("service/rest/app.py", "import numpy"),
    "light-supervisor": ("workers/supervisor.py", "import torch"),
    "pure-methods": ("workers/methods/depara/run.py", "import sqlalchemy"),
    "poor-child": ("workers/assembly.py", "import service.wiring"),
    "rooms": ("workers/methods/ranking/run.py", "import workers.methods.depara"),
    "client": ("service/client/client.py", "import service.core.errors"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("service", "workers"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def linted(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


def test_every_contract_has_a_sin_to_try():
    assert SINS.keys() == {contract["id"] for contract in CONTRACTS}


def test_the_sources_as_they_are_keep_every_contract():
    found = linted(ROOT)

    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("contract", sorted(SINS))
def test_a_broken_contract_is_reported_by_its_name(contract: str, copy: Path):
    path, sin = SINS[contract]
    source = (copy / path).read_text()
    (copy / path).write_text(f"{source}\n{sin}\n")

    found = linted(copy, "--contract", contract)

    name = next(entry["name"] for entry in CONTRACTS if entry["id"] == contract)
    assert found.returncode == 1, found.stdout + found.stderr
    assert f"{name} BROKEN" in " ".join(found.stdout.split())
