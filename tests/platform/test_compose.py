"""The compose file holds together, and its commands with its variables start every part by hand."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from typer.testing import CliRunner

from service.embedded.components import ComponentName
from service.embedded.ports import free_port, listens
from service.embedded.postgres import PrivatePostgres
from service.embedded.processes import wait_until_ended
from service.embedded.redis import PrivateRedis
from service.settings import Settings
from tests.waiting import HANG_SECONDS, eventually
from zooscope.cli.main import app

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
KNOWN_KEYS = {
    "image", "build", "command", "environment", "env_file", "volumes", "ports", "healthcheck",
    "depends_on", "restart", "init", "profiles", "deploy", "stop_grace_period",
}  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_uses_only_keys_that_compose_knows(name: str):
    assert SERVICES[name].keys() <= KNOWN_KEYS
    assert ("image" in SERVICES[name]) != ("build" in SERVICES[name])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_names_only_volumes_and_services_that_exist(name: str):
    service = SERVICES[name]

    named = {volume.split(":")[0] for volume in service.get("volumes", ())}
    assert named <= COMPOSE["volumes"].keys()
    for other, condition in service.get("depends_on", {}).items():
        assert condition == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", OURS)
def test_a_part_is_built_from_a_file_that_exists_and_set_by_settings_that_exist(name: str):
    expected = {f"ZOO_{setting.upper()}" for setting in Settings.model_fields}
    ours = {key for key in OURS[name]["environment"] if key.startswith("ZOO_")}

    assert (ROOT / OURS[name]["build"]["dockerfile"]).exists()
    assert ours <= expected


@pytest.mark.parametrize("name", OURS)
def test_a_part_runs_a_command_that_exists(name: str):
    program, *words = OURS[name]["command"]

    assert program == "zooscope"
    assert words[:2] == ["up", "--only"]
    assert words[2] in set(ComponentName)
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


def test_no_image_is_one_that_nobody_maintains():
    assert not any("minio" in service.get("image", "") for service in SERVICES.values())


@pytest.mark.parametrize("path", sorted(ROOT.glob("deploy/*.Dockerfile")), ids=lambda p: p.name)
def test_an_image_copies_only_what_the_build_context_lets_in(path: Path):
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }

    for line in re.findall(r"^COPY (.+)$", path.read_text(), flags=re.MULTILINE):
        *sources, _target = line.split()
        assert set(sources) <= allowed
        assert all((ROOT / source).exists() for source in sources)


def test_docker_finds_nothing_wrong(tmp_path: Path):
    docker = shutil.which("docker")
    has_compose = docker is not None and (
        subprocess.run([docker, "compose", "version"], capture_output=True).returncode == 0
    )
    if not has_compose:
        pytest.skip("docker compose is not installed on this machine")

    result = subprocess.run(
        ["docker", "compose", "--profile", "gpu", "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_every_part_starts_alone_with_the_commands_and_variables_of_the_file(
    tmp_path: Path, open_folder: Path
):
    ports = {"ZOO_PORT": str(free_port()), "ZOO_GRPC_PORT": str(free_port())}
    with PrivatePostgres(open_folder / "pg") as postgres, PrivateRedis(open_folder / "r") as redis:
        postgres.create_database("zooscope")
        here = {
            **ports,
            "ZOO_HOME": str(tmp_path / "home"),
            "ZOO_HOST": "127.0.0.1",
            "ZOO_DATABASE_URL": postgres.url(),
            "ZOO_REDIS_URL": redis.url,
            "ZOO_STORAGE_URL": str(tmp_path / "store"),
            "PATH": "/usr/bin:/bin",
        }
        names = [name for name, service in OURS.items() if "profiles" not in service]
        parts = [by_hand(name, here, tmp_path / f"{name}.log") for name in names]
        try:
            eventually(
                lambda: (
                    any(part.poll() is not None for part in parts)
                    or (ready(tmp_path) and all(map(listens, map(int, ports.values()))))
                ),
                facts=lambda: logs(tmp_path),
            )
            assert all(part.poll() is None for part in parts), logs(tmp_path)
        finally:
            for part in parts:
                part.terminate()
            running = [psutil.Process(part.pid) for part in parts]
            ended = wait_until_ended(running, seconds=HANG_SECONDS)
            for part in parts:
                part.kill()
                part.wait()
    assert ended, logs(tmp_path)
    assert logs(tmp_path).count("admin key") == 1


def by_hand(name: str, here: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A part the way the container runs it, with the addresses of this machine."""
    theirs = {key: value for key, value in OURS[name]["environment"].items() if key[:4] == "ZOO_"}
    _, *words = OURS[name]["command"]
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "zooscope.cli.main", *words],
            env={**theirs, **here},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def ready(folder: Path) -> bool:
    return all(
        f"{name} ready" in (folder / f"{name}.log").read_text() for name in ("worker", "scheduler")
    )


def logs(folder: Path) -> str:
    return "\n".join(f"== {path.name}\n{path.read_text()}" for path in folder.glob("*.log"))
