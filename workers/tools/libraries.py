"""``python -m workers.tools.libraries`` prints whether the libraries of a worker can be imported here."""

import contextlib
import json
import re
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypedDict

from workers import torchvision_operators

LIBRARIES = ("torchvision", "timm", "captum")


class State(TypedDict):
    """One library: ``ok``, ``warning`` or ``wrong``, and its version or what is wrong with it."""

    verdict: str
    text: str


def states() -> dict[str, State]:
    """What importing each library gives."""
    return {name: _state(name) for name in LIBRARIES}


def _state(name: str) -> State:
    try:
        installed = version(name)
    except PackageNotFoundError:
        return State(verdict="warning", text="not installed; this machine can run no worker")
    try:
        # Whatever a library prints would spoil the JSON.
        with contextlib.redirect_stdout(sys.stderr):
            import_module(name)
    except Exception as error:  # noqa: BLE001 - a mismatched build may raise anything; it is reported
        reason = f"{type(error).__name__}: {error}"[:300]
        text = f"{installed} cannot be imported beside {_builds()}: {reason}"
        return State(verdict="wrong", text=text)
    if name == "torchvision" and torchvision_operators.declared():
        return State(verdict="warning", text=_mismatch())
    return State(verdict="ok", text=installed)


def _mismatch() -> str:
    operators = "/".join(torchvision_operators.NAMES)
    return (
        f"{_builds()}: {operators} declared by Zooscope; other operators of torchvision are"
        " unavailable (image networks need none of them)"
    )


def _builds() -> str:
    """Versions of torch and torchvision, and what each was built for."""
    return f"{_build('torch')} beside {_build('torchvision')}"


def _build(name: str) -> str:
    """Such as "torch 2.13.0+cpu" or "torchvision 0.28.0 built for CUDA 13.0", without an import."""
    spec = PathFinder.find_spec(name)
    file = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    text = file.read_text(encoding="utf-8") if file and file.is_file() else ""
    match = re.search(r"__version__ = '([^'+]+)(?:\+cu(\d+)(\d))?([^']*)'", text)
    if match is None:
        return f"{name} of an unknown build"
    release, major, minor, rest = match.groups()
    return f"{name} {release}{rest}" + (f" built for CUDA {major}.{minor}" if major else "")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(states()) + "\n")
