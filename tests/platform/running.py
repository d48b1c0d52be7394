"""Starts ``zooscope up`` in its own folder on free ports."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from service.embedded.processes import has_ended
from tests.waiting import HANG_SECONDS, eventually

ZOOSCOPE = (sys.executable, "-m", "zooscope.cli.main")


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


@dataclass
class Up:
    """One running ``zooscope up`` and its output."""

    home: Path
    process: subprocess.Popen[str]
    family: list[psutil.Process] = field(default_factory=list)

    @property
    def output(self) -> str:
        return (self.home.parent / "output.txt").read_text()

    @property
    def running(self) -> dict[str, Any]:
        return json.loads((self.home / "up.json").read_text())

    @property
    def key(self) -> str:
        return (self.home / "admin.key").read_text().strip()

    def is_ready(self) -> bool:
        """Whether this process, not an earlier one, is ready."""
        if not (self.home / "up.json").exists():
            return False
        return self.running["pid"] == self.process.pid and self.running["ready"]

    def remember_family(self) -> None:
        """Record every process that must exit with this ``up``."""
        pids = {*self.running["parts"].values(), self.process.pid}
        for pid in pids:
            process = psutil.Process(pid)
            self.family += [process, *process.children(recursive=True)]

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            self.running["rest_url"] + path, headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
            return json.load(answer)


ANY_PORTS = ("--port", "0", "--grpc-port", "0")


def starting(home: Path, *, ports: Sequence[str] = ANY_PORTS, prefix: Sequence[str] = ()) -> Up:
    """An ``up`` that has just been started; ``prefix`` is a command that runs it, say as another user."""
    home.parent.mkdir(exist_ok=True)
    with (home.parent / "output.txt").open("a") as output:
        process = subprocess.Popen(
            [*prefix, *ZOOSCOPE, "up", "--home", str(home), *ports],
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    return Up(home, process)


def started(home: Path, *, prefix: Sequence[str] = ()) -> Up:
    """An ``up`` that is ready."""
    return when_ready(starting(home, prefix=prefix))


def when_ready(up: Up) -> Up:
    """The same ``up`` once it is ready."""
    process = up.process
    eventually(lambda: up.is_ready() or process.poll() is not None, facts=lambda: up.output)
    assert process.poll() is None, up.output
    up.remember_family()
    return up


def all_gone(up: Up) -> None:
    """Return once no recorded process is left."""

    def left() -> list[psutil.Process]:
        return [process for process in up.family if not has_ended(process)]

    eventually(lambda: not left(), facts=left)
