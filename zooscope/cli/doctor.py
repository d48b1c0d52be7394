"""``zooscope doctor``: what this machine offers to a zoo, and what it lacks."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from service.core.errors import ZooError
from service.embedded.home import Home
from service.embedded.postgres import postgres_server
from service.embedded.redis import redis_server
from service.settings import Settings
from zooscope.cli.up import HomeOption, settings_with

PROBE_SECONDS = 400.0


class CheckStatus(StrEnum):
    """How a finding is to be taken."""

    GOOD = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing looked at, what was found, and whether that is well."""

    what: str
    found: str
    verdict: CheckStatus = CheckStatus.GOOD


def doctor(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell versions, servers, sandbox and devices; status 1 when something is wrong."""
    settings = settings_with(home=home, port=None, grpc_port=None)
    findings = list(examined(settings))
    if as_json:
        typer.echo(json.dumps([vars(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.verdict:<8} {finding.what:<28} {finding.found}")
    if any(finding.verdict is CheckStatus.WRONG for finding in findings):
        raise typer.Exit(1)


def examined(settings: Settings) -> Iterator[Finding]:
    """Everything that is looked at, in the order of telling."""
    yield _python()
    yield _package("zooscope")
    yield _server("postgres", settings.database_url, postgres_server)
    yield _server("redis", settings.redis_url, redis_server)
    yield _home(settings)
    yield from _devices(settings)
    yield from _libraries()
    yield from _sandbox(settings)
    yield from _export()


def _python() -> Finding:
    """The interpreter; 3.11 is the oldest that will do."""
    fits = sys.version_info >= (3, 11)
    return Finding(
        "python", platform.python_version(), CheckStatus.GOOD if fits else CheckStatus.WRONG
    )


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed", CheckStatus.WARNING)


def _server(name: str, address: SecretStr | None, find: Callable[[], Path]) -> Finding:
    """A private server's program; not needed where an address is set."""
    if address is not None:
        return Finding(name, "at the address in the settings")
    try:
        program = find()
    except ZooError as error:
        return Finding(name, f"{error.detail}; {error.remedy}", CheckStatus.WRONG)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return Finding(name, f"{said.stdout.strip()} ({program})")


def _home(settings: Settings) -> Finding:
    """Whether a zoo runs in the home folder."""
    running = Home(settings.folder).running()
    state = "no zoo runs" if running is None else f"a zoo runs at {running.rest_url}"
    return Finding("home", f"{settings.folder}: {state}")


def _devices(settings: Settings) -> Iterator[Finding]:
    """What torch sees, asked in another process: this one never loads it."""
    said = _asked("workers.tools.hardware")
    for name, what in said.items():
        yield Finding(name, str(what))
    if not said:
        yield Finding(
            "torch", "not installed; this machine can run no worker", CheckStatus.WARNING
        )
    elif settings.device.value == "cuda" and "cuda:0" not in said:
        yield Finding("device", "ZOO_DEVICE is cuda, but torch sees no card", CheckStatus.WRONG)


def _libraries() -> Iterator[Finding]:
    """Whether torchvision, timm and captum can be imported, and builds that do not match."""
    states = _asked("workers.tools.libraries")
    for name, state in states.items():
        yield Finding(name, state["text"], CheckStatus(state["verdict"]))
    if not states:
        what = "importing torchvision, timm or captum ended the process that tried"
        yield Finding("libraries", what, CheckStatus.WRONG)


def _sandbox(settings: Settings) -> Iterator[Finding]:
    """The walls around a job's process; a missing one is wrong only if the sandbox is required."""
    missing = CheckStatus.WRONG if settings.require_sandbox else CheckStatus.WARNING
    for wall, reason in _asked("workers.isolation.sandbox").items():
        verdict = CheckStatus.GOOD if reason is None else missing
        yield Finding(f"sandbox: {wall}", str(reason or "holds"), verdict)


def _export() -> Iterator[Finding]:
    """Whether a network can be exported in the sandbox, as every training does at its end."""
    for what, problem in _asked("workers.tools.export_trial").items():
        verdict = CheckStatus.GOOD if problem is None else CheckStatus.WRONG
        yield Finding(f"sandbox: {what}", str(problem or "works"), verdict)


def _asked(module: str) -> Mapping[str, Any]:
    """The JSON object that a module of the worker's half prints; empty where it cannot run."""
    said = subprocess.run(
        [sys.executable, "-m", module],
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS,
        check=False,
    )
    answer: Mapping[str, Any] = json.loads(said.stdout) if said.returncode == 0 else {}
    return answer
