"""Installs pinned packages into ``.venv``: ``python deploy/install.py runtime`` or ``development``.

Nothing but the standard library is needed. When an installation fails, this prints the reason,
what was tried, with which Python, and the fix, before it shows the end of pip's log.
"""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = {
    "runtime": "api,embedded,worker",
    "development": "api,embedded,worker,clips,telemetry,dev",
}
LOG = "install.log"
INTERRUPTED = 130
NO_ANSWER = (
    r"connection broken by|Failed to establish a new connection|Could not fetch URL|"
    r"Read timed out|ConnectionError|name resolution|ProxyError|SSLError"
)
_LAST_LINES = 5
_LINE_WIDTH = 300
_PINS = (
    "a pinned package does not fit Python {python} on this machine",
    "try another Python: rm -r .venv && make PYTHON=/path/to/{newest} (checked: {checked})",
)


class InstallError(Exception):
    """An installation failed: the reason and the fix, in a newcomer's words."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


@dataclass(frozen=True)
class Cause:
    """A reason why pip fails, the fix, and the pattern of pip's log that shows it."""

    pattern: str
    reason: str
    fix: str


# The first that matches counts: without an index pip complains about versions, too.
CAUSES = (
    Cause(
        r"No space left on device|Disk quota exceeded",
        "the disk is full ({free})",
        "free some space in this folder and in the folder for temporary files (TMPDIR)",
    ),
    Cause(
        NO_ANSWER,
        "the package index does not answer",
        "check the network, HTTPS_PROXY, and the index in `{environment}/bin/python -m pip config list`",
    ),
    Cause(r"Permission denied", "a folder cannot be written", "check who owns .venv and TMPDIR"),
    Cause(
        r"requires a different Python|Requires-Python|No matching distribution|"
        r"ResolutionImpossible|subprocess-exited-with-error|Failed to build",
        *_PINS,
    ),
)
UNEXPECTED = Cause("", "pip failed", "read the log, then run make again")


def main(words: Sequence[str]) -> int:
    """Install one set; 0 when it is complete, 1 with reason and fix on stderr otherwise."""
    if len(words) != 1 or words[0] not in EXTRAS:
        sys.stderr.write("usage: python deploy/install.py runtime | development\n")
        return 2
    environment = ROOT / ".venv"
    command = ["install", "-c", "constraints.txt", "-e", f".[{EXTRAS[words[0]]}]"]
    try:
        _require_environment(environment)
        sys.stdout.write(f"installing the {words[0]} packages into {environment}; wait a while\n")
        sys.stdout.flush()
        _run_pip(environment, command)
    except InstallError as error:
        sys.stderr.write(_report(error, command, environment))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the next make installs what is missing\n")
        return INTERRUPTED
    return 0


def _require_environment(folder: Path) -> None:
    """A virtual environment with pip is at ``folder``, created where it is missing or broken."""
    if _works([str(folder / "bin/python"), "-m", "pip", "--version"]):
        return
    if not _works([sys.executable, "-c", "import ensurepip, venv"]):
        raise InstallError(
            "this Python cannot create virtual environments (it lacks ensurepip)",
            f"on Debian or Ubuntu: sudo apt install python3.{sys.version_info.minor}-venv",
        )
    shutil.rmtree(folder, ignore_errors=True)
    _logged([sys.executable, "-m", "venv", str(folder)], folder)


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def _run_pip(environment: Path, command: Sequence[str]) -> None:
    pip = [str(environment / "bin/python"), "-m", "pip", "--disable-pip-version-check"]
    _logged([*pip, "--no-input", *command, "--progress-bar", "off"], environment)


def _logged(command: Sequence[str], environment: Path) -> None:
    """The command succeeded; its output is in the environment's log.

    Raises:
        InstallError: It failed, or could not be started.
    """
    try:
        environment.mkdir(exist_ok=True)
        with (environment / LOG).open("w", encoding="utf-8") as output:
            done = subprocess.run(
                command, cwd=ROOT, check=False, stdout=output, stderr=subprocess.STDOUT
            )
    except OSError as error:
        raise diagnosis(str(error), environment) from error
    if done.returncode:
        log = (environment / LOG).read_text(encoding="utf-8", errors="replace")
        raise diagnosis(log, environment)


def diagnosis(log: str, environment: Path) -> InstallError:
    """The reason and the fix that a log of pip or venv points to."""
    cause = next((cause for cause in CAUSES if re.search(cause.pattern, log)), UNEXPECTED)
    checked = supported_pythons()
    facts = {
        "python": _python_version(environment),
        "newest": f"python{checked[-1]}",
        "checked": ", ".join(checked),
        "environment": str(environment),
        "free": f"{shutil.disk_usage(ROOT).free / 1024**3:.1f} GiB free in {ROOT}",
    }
    return InstallError(cause.reason.format(**facts), cause.fix.format(**facts))


def _python_version(environment: Path) -> str:
    """The version that the environment was made with; this interpreter's before there is one."""
    settings = environment / "pyvenv.cfg"
    text = settings.read_text(encoding="utf-8") if settings.is_file() else ""
    version = re.search(r"^version = (\S+)", text, re.MULTILINE)
    return version[1] if version else platform.python_version()


def supported_pythons() -> tuple[str, ...]:
    """The minor versions that pyproject.toml lists as supported, the oldest first."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    minors = re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', text)
    return tuple(f"3.{minor}" for minor in sorted(map(int, minors)))


def _report(error: InstallError, command: Sequence[str], environment: Path) -> str:
    lines = [
        f"\nZooscope could not be installed: {error.reason}",
        f"  tried    pip {' '.join(command)}",
        f"  python   {_python_version(environment)} (make ran {sys.executable})",
        f"  to do    {error.fix}",
    ]
    log = environment / LOG
    if log.is_file():
        ending = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        lines.append(f"  log      {log}, which ends with")
        lines += [f"    | {line[:_LINE_WIDTH]}" for line in ending[-_LAST_LINES:]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
