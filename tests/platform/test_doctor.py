"""``zooscope doctor`` reports what this machine has, and fails only if something is wrong."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.machine_speed import MachineSpeed, store_speed
from service.settings import Device, Settings
from zooscope.cli.doctor import CheckStatus, _devices, _disks, _home, _speed, _storage
from zooscope.cli.main import app

# It exports a network, in a fork server of its own that imports torch first.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_healthy_machine_is_reported_and_looking_at_a_home_creates_nothing(tmp_path: Path):
    home = tmp_path / "elsewhere" / "home"

    output = CliRunner().invoke(app, ["doctor", "--json", "--home", str(home)])

    findings = {finding["subject"]: finding for finding in json.loads(output.stdout)}
    assert output.exit_code == 0
    assert findings["home"]["value"].startswith(f"{home}: does not exist")
    assert list(tmp_path.iterdir()) == []
    assert "(PostgreSQL) 18" in findings["postgres"]["value"]
    assert "Valkey" in findings["redis"]["value"]
    assert findings["torch"]["status"] == "ok"
    assert {findings[name]["status"] for name in ("timm", "captum")} == {"ok"}
    assert sum(name.startswith("sandbox: ") for name in findings) == 9
    assert findings["sandbox: export"]["value"] == "works"
    assert findings["speed"]["value"].startswith("not measured yet")


def test_looking_at_an_empty_home_leaves_it_empty(tmp_path: Path):
    for _ in (_home(Settings(home=tmp_path)), *_storage(Settings(home=tmp_path))):
        pass

    assert list(tmp_path.iterdir()) == []


def test_the_measured_speed_is_reported_with_its_effect(tmp_path: Path):
    settings = Settings(home=tmp_path)
    (settings.folder / "cache").mkdir(parents=True)
    store_speed(settings, MachineSpeed(flops_per_second=35e9, bytes_per_second=2.5e9))

    finding = _speed(settings)

    assert finding.value == (
        "35 GFLOP/s and 2.5 GB/s for one job; time limits are multiplied by 2.0"
    )


def test_every_disk_is_reported_with_its_free_space_and_the_effect(tmp_path: Path):
    roomy = Settings(home=tmp_path / "not" / "yet", disk_stop_percent=100)
    full = Settings(home=tmp_path, disk_stop_percent=1e-6, disk_resume_percent=1e-6)

    (finding,), (stopped,) = list(_disks(roomy)), list(_disks(full))

    assert f"of the disk of {tmp_path} is used" in finding.value
    assert "free; uploads are refused and jobs wait from 100 % on" in finding.value
    assert stopped.status is CheckStatus.WRONG
    assert "uploads are refused and jobs wait until less than" in stopped.value


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

    findings = {f.subject: f for f in _devices(Settings(home=tmp_path, device=Device.CUDA))}

    assert findings["device"].status is CheckStatus.WRONG
