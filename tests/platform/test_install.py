"""When an installation fails, a newcomer reads the reason and the fix before pip's own words."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path) -> Path:
    """What `make install` needs of the project."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    return tmp_path


def make(checkout: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "install", *words],
        cwd=checkout, env=os.environ | variables, capture_output=True, text=True, timeout=HANG_SECONDS,
    )  # fmt: skip


def test_an_index_that_does_not_answer_is_named_with_the_fix(checkout):
    done = make(
        checkout, f"PYTHON={sys.executable}", PIP_CONFIG_FILE="/dev/null", PIP_FIND_LINKS="",
        PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1",
    )  # fmt: skip

    lines = done.stderr.strip().splitlines()
    assert done.returncode != 0
    assert lines[0] == "Zooscope could not be installed: the package index does not answer"
    assert lines[1].startswith("  tried    pip install -c constraints.txt")
    assert lines[2].startswith(f"  python   3.{sys.version_info.minor}.")
    assert lines[3].startswith("  to do    check the network")
    assert lines[4].startswith(f"  log      {checkout / '.venv/install.log'}")


def test_a_python_without_ensurepip_is_named_with_the_package_to_install(checkout):
    (checkout / "absent").mkdir()
    (checkout / "absent/ensurepip.py").write_text("raise ModuleNotFoundError('ensurepip')")

    done = make(checkout, f"PYTHON={sys.executable}", PYTHONPATH=str(checkout / "absent"))

    assert done.returncode != 0
    assert f"apt install python3.{sys.version_info.minor}-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_python_is_named_with_the_fix(checkout):
    done = make(checkout, "PYTHON=python3.0")

    assert done.returncode != 0
    assert "There is no python3.0. Install Python 3.11 or newer" in done.stdout


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            "ERROR: Could not install packages: [Errno 28] No space left on device",
            "the disk is full",
        ),
        ("ERROR: ResolutionImpossible: for help visit", "a pinned package does not fit Python"),
        ("ERROR: Package 'zooscope' requires a different Python: 3.10.4", "a pinned package does"),
        ("ERROR: No matching distribution found for torch==2.13.0", "a pinned package does not"),
        ("PermissionError: [Errno 13] Permission denied: '.venv'", "a folder cannot be written"),
        ("something new", "pip failed"),
    ],
)
def test_a_log_leads_to_a_reason(monkeypatch, tmp_path, log, reason):
    monkeypatch.syspath_prepend(str(ROOT / "deploy"))
    from install import diagnosis

    error = diagnosis(log, tmp_path)

    assert error.reason.startswith(reason)
    assert error.fix
