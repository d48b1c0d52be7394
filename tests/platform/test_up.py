"""``zooscope up`` starts everything, owns its folder, and restarts what dies."""

import psutil
import pytest

from tests.platform.running import Up, stranger_gets, zooscope
from tests.waiting import eventually

pytestmark = pytest.mark.slow

PARTS = {"postgres", "redis", "worker", "scheduler", "api", "grpc"}


def answers(up: Up) -> bool:
    try:
        return up.get("/v1/models")["items"] == []
    except OSError:
        return False


def test_a_first_start_reports_every_component_and_the_key_once(up: Up):
    assert up.running["parts"].keys() == PARTS
    eventually(lambda: "\nready after " in up.output, facts=lambda: up.output)
    before_ready = "\n" + up.output.partition("\nready after ")[0]
    assert all(f"\n{part} " in before_ready for part in PARTS)
    assert up.output.count(up.key) == 1
    assert up.home.joinpath("admin.key").stat().st_mode & 0o777 == 0o600
    assert up.get("/v1/models")["items"] == []


def test_everything_in_the_home_is_closed_to_other_users(up: Up):
    open_paths = [
        path
        for path in (up.home, *up.home.rglob("*"))
        if path.lstat().st_mode & 0o077 and not path.is_symlink()
    ]

    assert open_paths == []


def test_a_second_up_on_the_folder_is_refused_and_names_the_first(up: Up):
    second = zooscope("up", "--home", str(up.home), "--port", "0", "--grpc-port", "0")

    assert second.returncode == 1
    assert str(up.process.pid) in second.stderr
    assert up.running["rest_url"] in second.stderr
    assert up.get("/v1/models")["items"] == []


def test_a_component_that_dies_is_restarted(up: Up):
    first = up.running["parts"]["grpc"]
    psutil.Process(first).kill()

    eventually(lambda: up.running["parts"]["grpc"] != first, facts=lambda: up.output)

    assert "grpc exited with status -9; restarting in 1 s" in up.output


@pytest.mark.faults
@pytest.mark.parametrize("server", ["redis", "postgres"])
def test_a_private_server_that_dies_is_restarted(up: Up, server: str):
    first = up.running["parts"][server]
    psutil.Process(first).kill()

    eventually(
        lambda: up.running["parts"][server] != first and answers(up), facts=lambda: up.output
    )

    assert f"{server} exited unexpectedly; restarting it" in up.output


@pytest.mark.faults
@pytest.mark.parametrize("part", ["api", "grpc"])
def test_no_other_program_gets_the_port_of_a_component_that_died(up: Up, part: str):
    first = up.running["parts"][part]
    address = up.running["rest_url" if part == "api" else "grpc_address"]
    port = int(address.rsplit(":", 1)[1])
    psutil.Process(first).kill()

    def restarted() -> bool:
        assert not stranger_gets(port)
        return bool(up.running["parts"][part] != first)

    eventually(restarted, facts=lambda: up.output)

    assert up.get("/v1/models")["items"] == []
