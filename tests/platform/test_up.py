"""``zooscope up`` starts everything, owns its folder, and stops everything when it exits."""

import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from service.embedded.ports import free_port
from tests.platform.running import ZOOSCOPE, Up, all_gone, started, starting, when_ready
from tests.waiting import HANG_SECONDS, eventually

pytestmark = pytest.mark.slow

PARTS = {"postgres", "redis", "worker", "scheduler", "api", "grpc"}


def zooscope(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ZOOSCOPE, *words],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )


def stranger_gets(port: int) -> bool:
    """Whether another program can have the port now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def serving(home: Path) -> list[str]:
    """Processes that belong to the home folder, by their environment or their command line."""
    result = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = " ".join(process.cmdline())
            if str(home) in words or process.environ().get("ZOO_HOME") == str(home):
                result.append(words)
    return result


def answers(up: Up) -> bool:
    try:
        return up.get("/v1/models")["items"] == []
    except OSError:
        return False


def test_a_first_start_reports_every_component_and_the_key_once(up: Up):
    assert up.running["parts"].keys() == PARTS
    eventually(
        lambda: all(f"\n{part} " in "\n" + up.output for part in PARTS), facts=lambda: up.output
    )
    assert up.output.count(up.key) == 1
    assert up.home.joinpath("admin.key").stat().st_mode & 0o777 == 0o600
    assert up.get("/v1/models")["items"] == []


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


def test_an_interrupt_stops_every_process_and_a_restart_keeps_the_key(home: Path):
    first = started(home)
    key = first.key

    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(HANG_SECONDS) == 0
    all_gone(first)
    assert not (home / "up.json").exists()
    second = started(home)

    assert second.get("/v1/models")["items"] == []
    assert second.key == key
    assert second.output.count("admin key") == 1
    second.process.terminate()
    assert second.process.wait(HANG_SECONDS) == 0
    all_gone(second)


@pytest.mark.faults
def test_a_killed_up_leaves_no_process_and_the_folder_can_be_used_again(home: Path):
    killed = started(home)

    killed.process.kill()
    killed.process.wait()
    again = started(home)

    all_gone(killed)
    assert again.get("/v1/models")["items"] == []
    output = zooscope("down", "--home", str(home))
    assert output.stdout == f"stopped the zoo in {home}\n"
    assert again.process.wait(HANG_SECONDS) == 0
    all_gone(again)


def test_a_component_that_cannot_start_is_reported_with_its_log_and_nothing_keeps_running(
    home: Path,
):
    (home / "page_token_secret").mkdir(parents=True)

    output = subprocess.run(
        [*ZOOSCOPE, "up", "--home", str(home), "--port", "0", "--grpc-port", "0"],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home.parent)},
    )

    assert output.returncode == 1
    assert "exited with status" in output.stderr
    assert serving(home) == []


def test_a_port_in_use_is_refused_before_anything_starts(home: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        output = zooscope("up", "--home", str(home), "--port", port, "--grpc-port", "0")

    assert output.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in output.stderr
    assert "--port or ZOO_PORT" in output.stderr
    assert serving(home) == []


def test_no_other_program_gets_the_ports_while_the_database_starts(home: Path):
    ports = free_port(), free_port()
    up = starting(home, ports=("--port", str(ports[0]), "--grpc-port", str(ports[1])))
    try:
        eventually(
            lambda: (home / "postgres").exists() or up.process.poll() is not None,
            facts=lambda: up.output,
        )
        assert up.process.poll() is None, up.output
        assert "ready after" not in up.output

        assert not any(stranger_gets(port) for port in ports)

        assert when_ready(up).get("/v1/models")["items"] == []
    finally:
        up.process.terminate()
        assert up.process.wait(90) == 0
    assert all(stranger_gets(port) for port in ports)


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


@pytest.mark.faults
def test_a_component_that_can_no_longer_start_ends_the_zoo_with_its_reason(home: Path):
    up = started(home)
    (home / "page_token_secret").unlink()
    (home / "page_token_secret").mkdir()
    psutil.Process(up.running["parts"]["api"]).kill()

    assert up.process.wait(240) == 1

    assert "api failed to start 5 times in a row" in up.output
    assert "IsADirectoryError" in up.output
    assert str(home / "logs" / "api.log") in up.output
    all_gone(up)
