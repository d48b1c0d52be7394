"""A ``zooscope up`` of one's own, in a folder of its own, on free ports."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from service.embedded.processes import has_ended

READY_SECONDS = 120.0
ZOOSCOPE = (sys.executable, "-m", "service.cli.main")


@dataclass
class Up:
    """One running ``zooscope up`` and what it has said."""

    home: Path
    process: subprocess.Popen[str]
    family: list[psutil.Process] = field(default_factory=list)

    @property
    def said(self) -> str:
        return (self.home.parent / "said.txt").read_text()

    @property
    def running(self) -> dict[str, Any]:
        return json.loads((self.home / "up.json").read_text())

    @property
    def key(self) -> str:
        return (self.home / "admin.key").read_text().strip()

    def is_ready(self) -> bool:
        """Whether this very process, and not one before it, says so."""
        if not (self.home / "up.json").exists():
            return False
        return self.running["pid"] == self.process.pid and self.running["ready"]

    def remember_family(self) -> None:
        """Every process that must be gone when this ``up`` is."""
        pids = {*self.running["parts"].values(), self.process.pid}
        for pid in pids:
            process = psutil.Process(pid)
            self.family += [process, *process.children(recursive=True)]

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            self.running["rest_url"] + path, headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def started(home: Path, *, before: Sequence[str] = ()) -> Up:
    """An ``up`` that is ready; ``before`` are words of a command that runs it."""
    home.parent.mkdir(exist_ok=True)
    with (home.parent / "said.txt").open("a") as said:
        process = subprocess.Popen(
            [*before, *ZOOSCOPE, "up", "--home", str(home), "--port", "0", "--grpc-port", "0"],
            stdout=said,
            stderr=said,
            text=True,
            start_new_session=True,
        )
    up = Up(home, process)
    give_up = time.monotonic() + READY_SECONDS
    while not up.is_ready():
        assert process.poll() is None, up.said
        assert time.monotonic() < give_up, up.said
        time.sleep(0.1)
    up.remember_family()
    return up


def left_over(up: Up, *, within_seconds: float) -> list[str]:
    """Processes of the family that are still alive after so many seconds."""
    give_up = time.monotonic() + within_seconds
    while True:
        alive = [process for process in up.family if not has_ended(process)]
        if not alive or time.monotonic() > give_up:
            return [" ".join(process.cmdline()) for process in alive]
        time.sleep(0.1)
