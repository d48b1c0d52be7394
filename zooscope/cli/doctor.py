"""``zooscope doctor``: checks whether this machine can run a zoo."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import disk_usage
from typing import Annotated, Any

import typer
from obstore.exceptions import BaseError
from pydantic import SecretStr

from service.adapters.object_store import folder_at
from service.adapters.worker_registry import WorkerRegistry
from service.container import store_of
from service.core.byte_sizes import in_words
from service.core.errors import ZooError
from service.core.python_command import module_command
from service.core.staging import used_percent
from service.embedded.home import Home
from service.embedded.postgres import postgres_server
from service.embedded.redis import redis_server
from service.machine_speed import stored_speed
from service.settings import Settings
from zooscope.cli.up import HomeOption, settings_with

PROBE_SECONDS = 400.0
_MOST_NAMED = 5


class CheckStatus(StrEnum):
    """Result of a check."""

    GOOD = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One check: its subject, the value and the status."""

    subject: str
    value: str
    status: CheckStatus = CheckStatus.GOOD


def doctor(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report versions, servers, sandbox and devices; exit 1 if anything is wrong."""
    settings = settings_with(home=home, port=None, grpc_port=None)
    findings = list(findings_for(settings))
    if as_json:
        typer.echo(json.dumps([vars(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.status:<8} {finding.subject:<28} {finding.value}")
    if any(finding.status is CheckStatus.WRONG for finding in findings):
        raise typer.Exit(1)


def findings_for(settings: Settings) -> Iterator[Finding]:
    """All checks in report order; none of them creates a file."""
    yield _python()
    yield _package("zooscope")
    yield _server("postgres", settings.database_url, postgres_server)
    yield _server("redis", settings.redis_url, redis_server)
    yield _home(settings)
    yield from _storage(settings)
    yield from _devices(settings)
    yield _speed(settings)
    yield from _libraries()
    yield from _sandbox(settings)
    yield from _workers(settings)
    yield from _export()


def _python() -> Finding:
    """The interpreter; 3.11 is the oldest supported version."""
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
    """A private server's program; not needed if an address is configured."""
    if address is not None:
        return Finding(name, "at the configured address")
    try:
        program = find()
    except ZooError as error:
        return Finding(name, f"{error.detail}; {error.remedy}", CheckStatus.WRONG)
    completed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return Finding(name, f"{completed.stdout.strip()} ({program})")


def _home(settings: Settings) -> Finding:
    """Whether a zoo runs in the home folder."""
    if not settings.folder.is_dir():
        return Finding("home", f"{settings.folder}: does not exist; `zooscope up` creates it")
    running = Home(settings.folder).running()
    state = "no zoo runs" if running is None else f"a zoo runs at {running.rest_url}"
    return Finding("home", f"{settings.folder}: {state}")


def _storage(settings: Settings) -> Iterator[Finding]:
    """The space on each disk of the zoo, and which stored files are damaged."""
    yield from _disks(settings)
    store = folder_at(settings.storage_url or str(settings.folder / "blobs"))
    if store is not None and not store.exists():
        yield Finding("files", f"none are stored yet in {store}")
        return
    try:
        damaged = sorted(store_of(settings).set_aside_digests())
    except (BaseError, OSError) as error:
        yield Finding("files", f"the storage does not answer: {error}", CheckStatus.WRONG)
        return
    if damaged:
        names = ", ".join(damaged[:_MOST_NAMED]) + (" …" if len(damaged) > _MOST_NAMED else "")
        advice = "upload the same files again, or run the jobs again that made them"
        yield Finding("files", f"{len(damaged)} damaged: {names}; {advice}", CheckStatus.WRONG)
    else:
        yield Finding("files", "no damage found so far; `zooscope verify` reads every file")


def _disks(settings: Settings) -> Iterator[Finding]:
    """The disks of the home folder and of the store: used and free space, and what it leads to."""
    store = folder_at(settings.storage_url or str(settings.folder / "blobs"))
    folders = [_existing(folder) for folder in (store, settings.folder) if folder is not None]
    by_disk = {folder.stat().st_dev: folder for folder in folders}
    for folder in sorted(by_disk.values()):
        yield _disk(settings, folder)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is already there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())


def _disk(settings: Settings, folder: Path) -> Finding:
    percent = used_percent(folder)
    stop, resume = settings.disk_stop_percent, settings.disk_resume_percent
    text = f"{percent:.0f} % of the disk of {folder} is used, {in_words(disk_usage(folder).free)} free"
    if percent >= stop:
        effect = f"uploads are refused and jobs wait until less than {resume:g} % is used"
        return Finding("disk", f"{text}; {effect}", CheckStatus.WRONG)
    effect = f"uploads are refused and jobs wait from {stop:g} % on"
    if percent >= resume:
        effect += f"; once stopped, they resume below {resume:g} %"
        return Finding("disk", f"{text}; {effect}", CheckStatus.WARNING)
    return Finding("disk", f"{text}; {effect}")


def _devices(settings: Settings) -> Iterator[Finding]:
    """Devices that torch sees, reported by another process: this one never loads torch."""
    versions = _report_of("workers.tools.hardware")
    for name, subject in versions.items():
        yield Finding(name, str(subject))
    if not versions:
        yield Finding(
            "torch", "not installed; this machine cannot run a worker", CheckStatus.WARNING
        )
    elif settings.device.value == "cuda" and "cuda:0" not in versions:
        yield Finding("device", "ZOO_DEVICE is cuda, but torch sees no GPU", CheckStatus.WRONG)


def _speed(settings: Settings) -> Finding:
    """The speed that a worker of this home has measured, by which time limits grow."""
    speed = stored_speed(settings)
    if speed is None:
        return Finding("speed", "not measured yet; a worker measures it when it starts")
    return Finding(
        "speed",
        f"{speed.flops_per_second / 1e9:.0f} GFLOP/s and {speed.bytes_per_second / 1e9:.1f} GB/s"
        f" for one job; time limits are multiplied by {speed.time_factor:.1f}",
    )


def _libraries() -> Iterator[Finding]:
    """Whether torchvision, timm and captum can be imported and their builds match."""
    states = _report_of("workers.tools.libraries")
    for name, state in states.items():
        yield Finding(name, state["text"], CheckStatus(state["verdict"]))
    if not states:
        subject = "importing torchvision, timm or captum crashed the process"
        yield Finding("libraries", subject, CheckStatus.WRONG)


def _sandbox(settings: Settings) -> Iterator[Finding]:
    """The sandbox layers of a job process; a missing one is wrong only if the sandbox is required."""
    missing = CheckStatus.WRONG if settings.require_sandbox else CheckStatus.WARNING
    for layer, reason in _report_of("workers.isolation.sandbox").items():
        status = CheckStatus.GOOD if reason is None else missing
        yield Finding(f"sandbox: {layer}", str(reason or "works"), status)


def _workers(settings: Settings) -> Iterator[Finding]:
    """The workers of a configured broker, which may run elsewhere, and the layers that they lack."""
    if settings.redis_url is None:
        return
    registry = WorkerRegistry.at(settings.redis_url.get_secret_value())
    missing = CheckStatus.WRONG if settings.require_sandbox else CheckStatus.WARNING
    for worker in registry.workers():
        status = missing if worker.missing_layers else CheckStatus.GOOD
        lacks = ", ".join(sorted(worker.missing_layers))
        value = f"lacks sandbox layers: {lacks}" if lacks else "has every sandbox layer"
        limit = f"; memory limited by {worker.memory_limit}" if worker.memory_limit else ""
        yield Finding(f"worker {worker.name}", f"{value}{limit}", status)
    registry.close()


def _export() -> Iterator[Finding]:
    """Whether the sandbox allows exporting a network, which every training does at its end."""
    for subject, problem in _report_of("workers.tools.export_trial").items():
        status = CheckStatus.GOOD if problem is None else CheckStatus.WRONG
        yield Finding(f"sandbox: {subject}", str(problem or "works"), status)


def _report_of(module: str) -> Mapping[str, Any]:
    """The JSON object that a module of the worker package prints; empty if it cannot run."""
    completed = subprocess.run(
        module_command(module),
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS,
        check=False,
    )
    answer: Mapping[str, Any] = json.loads(completed.stdout) if completed.returncode == 0 else {}
    return answer
