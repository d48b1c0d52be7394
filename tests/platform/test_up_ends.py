"""However ``zooscope up`` ends, and whatever keeps it from starting, no process and no port is left."""

import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from service.embedded.ports import free_port
from tests.platform.running import (
    ZOOSCOPE,
    all_gone,
    started,
    starting,
    stranger_gets,
    when_ready,
    zooscope,
)
from tests.waiting import HANG_SECONDS, eventually

pytestmark = pytest.mark.slow


def serving(home: Path) -> list[str]:
    """Processes that belong to the home folder, by their environment or their command line."""
    result = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = " ".join(process.cmdline())
            if str(home) in words or process.environ().get("ZOO_HOME") == str(home):
                result.append(words)
    return result


@pytest.mark.faults
def test_after_an_interrupt_or_a_kill_no_process_is_left_and_the_folder_can_be_used_again(
    home: Path,
):
    interrupted = started(home)
    key = interrupted.key
    interrupted.process.send_signal(signal.SIGINT)
    assert interrupted.process.wait(HANG_SECONDS) == 0
    all_gone(interrupted)
    assert not (home / "up.json").exists()

    killed = started(home)
    assert killed.get("/v1/models")["items"] == []
    assert killed.key == key
    killed.process.kill()
    killed.process.wait()
    last = started(home)

    all_gone(killed)
    assert last.get("/v1/models")["items"] == []
    assert last.output.count("admin key") == 1
    output = zooscope("down", "--home", str(home))
    assert output.stdout == f"stopped the zoo in {home}\n"
    assert last.process.wait(HANG_SECONDS) == 0
    all_gone(last)


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


@pytest.mark.faults
def test_the_ports_are_the_zoos_from_its_start_until_a_component_that_cannot_restart_ends_it(
    home: Path,
):
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

        (home / "page_token_secret").unlink()
        (home / "page_token_secret").mkdir()
        psutil.Process(up.running["parts"]["api"]).kill()

        assert up.process.wait(HANG_SECONDS) == 1
        assert "api failed to start 5 times in a row" in up.output
        assert "IsADirectoryError" in up.output
        assert str(home / "logs" / "api.log") in up.output
    finally:
        up.process.kill()
    all_gone(up)
    assert all(stranger_gets(port) for port in ports)
