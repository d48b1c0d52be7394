"""Settings reach other processes unchanged, and open doors are refused."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from service.settings import Device, LogFormat, Settings, environment
from zooscope.cli.main import app


def test_settings_read_from_the_spelled_environment_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    values = Settings(
        home=tmp_path,
        database_url=SecretStr("postgresql://zoo:secret@host/db"),
        port=0,
        allowed_hosts="zoo.example,localhost",
        device=Device.CUDA,
        log_format=LogFormat.JSON,
        lease_seconds=7.5,
    )

    for name, value in environment(values).items():
        monkeypatch.setenv(name, value)

    assert Settings() == values


def test_a_setting_without_a_value_is_not_spelled():
    assert "ZOO_REDIS_URL" not in environment(Settings())


def test_the_network_may_not_go_without_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ZOO_HOST", "0.0.0.0")
    monkeypatch.setenv("ZOO_AUTH", "false")

    output = CliRunner().invoke(app, ["up", "--home", str(tmp_path)])

    assert output.exit_code == 1
    assert "would let anybody in" in output.stderr
