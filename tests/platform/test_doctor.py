"""``zooscope doctor`` tells what this machine has, and fails only for what is wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli.doctor import Verdict, examined
from service.cli.main import app
from service.settings import Device, Settings

# It exports a network, in a fork server of its own that imports torch first.
pytestmark = pytest.mark.timeout(600)


def test_a_healthy_machine_is_told_line_by_line(tmp_path: Path):
    said = CliRunner().invoke(app, ["doctor", "--json", "--home", str(tmp_path)])

    found = {finding["what"]: finding for finding in json.loads(said.stdout)}
    assert said.exit_code == 0
    assert "(PostgreSQL) 18" in found["postgres"]["found"]
    assert "Redis" in found["redis"]["found"]
    assert found["torch"]["verdict"] == "ok"
    assert sum(name.startswith("sandbox: ") for name in found) == 8
    assert found["sandbox: export"]["found"] == "works"


def test_a_missing_card_is_wrong_only_where_one_was_asked_for(tmp_path: Path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a card")

    found = {f.what: f for f in examined(Settings(home=tmp_path, device=Device.CUDA))}

    assert found["device"].verdict is Verdict.WRONG
