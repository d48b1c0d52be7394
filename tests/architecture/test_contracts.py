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

# One forbidden import for each contract: the file that broken imports, and its sin.
FORBIDDEN_IMPORTS = {
    "zooscope-floors": ("zooscope/client/client.py", "import zooscope.cli.main"),
    "service-floors": ("service/container.py", "import service.rest.app"),
    "core-floors": ("service/core/errors.py", "import service.core.tables"),
    "workers-floors": ("workers/worker/lease.py", "import workers.child.reporter"),
    "worker-floors": ("workers/worker/lease.py", "import workers.worker.run_job"),
    "child-floors": ("workers/child/reporter.py", "import workers.child.job"),
    "plain-jobs": (
        "service/core/operations/jobs/jobs.py",
        "import service.core.operations.rankings.rankings",
    ),
    "halves": ("service/core/ids.py", "import workers.torchkit.protocols"),
    "no-apis": ("workers/worker/stage/inputs.py", "import service.rest.app"),
    "plain-core": ("service/core/blobs.py", "import fastapi"),
    "light-service": ("service/rest/app.py", "import torch"),
    "lone-numpy": ("service/rest/app.py", "import numpy"),
    "light-worker": ("workers/worker/lease.py", "import torch"),
    "pure-methods": ("workers/methods/depara/run.py", "import sqlalchemy"),
    "poor-child": ("workers/child/load/inputs.py", "import service.container"),
    "method-packages": ("workers/methods/ranking/run.py", "import workers.methods.depara"),
    "client": ("zooscope/client/client.py", "import service.core.errors"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("zooscope", "service", "workers"):
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


def test_every_contract_is_broken_once():
    assert FORBIDDEN_IMPORTS.keys() == {contract["id"] for contract in CONTRACTS}


def test_the_sources_as_they_are_keep_every_contract():
    completed = linted(ROOT)

    assert completed.returncode == 0, completed.stdout


@pytest.mark.parametrize("contract", sorted(FORBIDDEN_IMPORTS))
def test_a_broken_contract_is_reported_by_its_name(contract: str, copy: Path):
    path, sin = FORBIDDEN_IMPORTS[contract]
    source = (copy / path).read_text()
    (copy / path).write_text(f"{source}\n{sin}\n")

    completed = linted(copy, "--contract", contract)

    name = next(entry["name"] for entry in CONTRACTS if entry["id"] == contract)
    assert completed.returncode == 1, completed.stdout + completed.stderr
    assert f"{name} BROKEN" in " ".join(completed.stdout.split())
