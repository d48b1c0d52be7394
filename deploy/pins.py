"""Checks that the pins resolve on the supported Pythons: ``python deploy/pins.py oldest`` or ``all``.

Nothing is installed. Each set of packages is resolved by pip for the first release of each minor
version, such as 3.11.0: what needs a later patch release is found here, and not by a newcomer.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from install import EXTRAS, NO_ANSWER, ROOT, supported_pythons

NO_INDEX = 75
_WORDS = {"oldest": slice(0, 1), "all": slice(None)}
_LAST_LINES = 25


@dataclass(frozen=True)
class Resolution:
    """How pip resolved one set for one Python."""

    resolved: bool
    log: str

    @property
    def unanswered(self) -> bool:
        """Whether it failed because the index did not answer."""
        return not self.resolved and re.search(NO_ANSWER, self.log) is not None


def main(words: Sequence[str]) -> int:
    """Check; 0 when all resolve, 1 when some do not, 75 when the index does not answer."""
    if len(words) != 1 or words[0] not in _WORDS:
        sys.stderr.write("usage: python deploy/pins.py oldest | all\n")
        return 2
    failures = 0
    for python in supported_pythons()[_WORDS[words[0]]]:
        for name, extras in EXTRAS.items():
            resolution = resolve(requirements(extras), f"{python}.0")
            if resolution.unanswered:
                sys.stdout.write(f"pins: not checked on {python}.0: the index does not answer\n")
                return NO_INDEX
            failures += not resolution.resolved
            sys.stdout.write(_report(resolution, f"{name} packages on Python {python}.0"))
            sys.stdout.flush()
    return 1 if failures else 0


def requirements(extras: str) -> list[str]:
    """The requirements in pyproject.toml, alone and with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return project["dependencies"] + [
        line for name in extras.split(",") for line in optional[name]
    ]


def resolve(
    wanted: Sequence[str], python: str, constraints: Path = ROOT / "constraints.txt"
) -> Resolution:
    """What pip says to these requirements under the constraints on that Python."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, str(Path(__file__).with_name("pip_for_python.py")), python),
                *("install", "--dry-run", "--ignore-installed", "--only-binary=:all:"),
                *("--python-version", python, "--target", folder, "-c", str(constraints)),
                # Metadata alone is read from the wheels.
                *("--use-feature=fast-deps", "--progress-bar=off", "--no-input", *wanted),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
    return Resolution(done.returncode == 0, done.stdout + done.stderr)


def _report(resolution: Resolution, what: str) -> str:
    if resolution.resolved:
        return f"pins: {what}: ok\n"
    ending = resolution.log.strip().splitlines()[-_LAST_LINES:]
    remedy = "choose versions in constraints.txt that fit, or one for each Python by a marker"
    return "\n".join([f"pins: {what}: DO NOT RESOLVE; {remedy}", *ending]) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
