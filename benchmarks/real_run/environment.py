"""What a figure depends on beside the code: machine, commit, versions; and ending what we started."""

import os
import platform
import signal
import subprocess
from pathlib import Path

import psutil
import torch


def describe(root: Path) -> dict[str, str]:
    """Hardware, commit, versions and how busy the machine is already, in words."""
    return {
        "machine": f"{os.cpu_count()} cores ({_processor()}), {_memory_gib():.0f} GiB, no GPU used",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "commit": _commit(root),
        "torch": str(torch.__version__),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if not facts.exists():
        return platform.processor()
    names = [
        line.partition(":")[2] for line in facts.read_text().splitlines() if "model name" in line
    ]
    return names[0].strip() if names else platform.processor()


def _memory_gib() -> float:
    return float(psutil.virtual_memory().total / 1024**3)


def _commit(root: Path) -> str:
    command = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    return completed.stdout.strip() or "unknown"


def ended(pid: int, *, seconds: float = 60.0) -> None:
    """Ask a process of ours to stop, and wait until it has."""
    process = psutil.Process(pid)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=seconds)
