"""``zooscope doctor`` reports what this machine has, and fails only if something is wrong."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.settings import Device, Settings
from zooscope.cli.doctor import CheckStatus, findings_for
from zooscope.cli.main import app

# It exports a network, in a fork server of its own that imports torch first.
pytestmark = pytest.mark.timeout(600)


def test_a_healthy_machine_is_reported(tmp_path: Path):
    output = CliRunner().invoke(app, ["doctor", "--json", "--home", str(tmp_path)])

    findings = {finding["subject"]: finding for finding in json.loads(output.stdout)}
    assert output.exit_code == 0
    assert "(PostgreSQL) 18" in findings["postgres"]["value"]
    assert "Redis" in findings["redis"]["value"]
    assert findings["torch"]["status"] == "ok"
    assert {findings[name]["status"] for name in ("timm", "captum")} == {"ok"}
    assert sum(name.startswith("sandbox: ") for name in findings) == 8
    assert findings["sandbox: export"]["value"] == "works"


def states_after(before: str) -> dict[str, str]:
    """What another process reports about torchvision after ``before`` ran in it."""
    program = f"""
import json, sys
from workers.tools import libraries
{before}
print(json.dumps(libraries.states()["torchvision"]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    state: dict[str, str] = json.loads(done.stdout)
    return state


def test_builds_that_do_not_match_are_named():
    # No build matches a compiled part that cannot be loaded.
    state = states_after("""
import torch
def refuse(path): raise OSError("libtorch_cuda.so: cannot open shared object file")
torch.ops.load_library = refuse
""")

    assert state["verdict"] == "warning"
    assert f"torch {version('torch').split('+')[0]}" in state["text"]
    assert f"beside torchvision {version('torchvision').split('+')[0]}" in state["text"]
    assert (
        "nms/qnms declared by Zooscope; other operators of torchvision are unavailable"
        in (state["text"])
    )


def test_a_library_that_cannot_be_imported_is_wrong():
    state = states_after("""
import torch
def refuse(path): raise RuntimeError("compiled with different CUDA major versions")
torch.ops.load_library = refuse
""")

    assert state["verdict"] == "wrong"
    assert "RuntimeError: compiled with different CUDA major versions" in state["text"]


def test_a_missing_gpu_is_wrong_only_if_configured(tmp_path: Path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")

    findings = {f.subject: f for f in findings_for(Settings(home=tmp_path, device=Device.CUDA))}

    assert findings["device"].status is CheckStatus.WRONG
