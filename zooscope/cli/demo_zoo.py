"""The demo's networks: trained by the worker package, uploaded like any other."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from service.core.errors import UnavailableError
from service.core.python_command import module_command
from zooscope import ZooClient, ZooClientError
from zooscope.cli.output import steps_bar
from zooscope.client.results import Dataset


@dataclass(frozen=True)
class BuiltZoo:
    """Files to upload, and each network's true transfer accuracy by its name."""

    folder: Path
    truth: Mapping[str, float]


@dataclass(frozen=True)
class UploadedZoo:
    """Ids in the zoo: networks by name, the probe set, the labeled target and the evaluation dataset."""

    models: Mapping[str, str]
    probes: str
    target: str
    eval_dataset: str


def built(folder: Path) -> BuiltZoo:
    """Train the networks, unless an earlier demo has; show a progress bar, or a line for each.

    Raises:
        UnavailableError: ``training_failed``, with the end of the training log.
    """
    truth_file = folder / "truth.json"
    if not (truth_file.exists() and (folder / "evaluation.zip").exists()):
        truth_file.write_text(json.dumps(_trained(folder), indent=1))
    return BuiltZoo(folder, json.loads(truth_file.read_text()))


def _trained(folder: Path) -> dict[str, float]:
    """Run the training program and read what it reports line by line."""
    folder.mkdir(parents=True, exist_ok=True)
    command = module_command("workers.tools.demo_zoo", str(folder))
    complaints = folder / "training.log"
    truth: dict[str, float] = {}
    with (
        complaints.open("wb") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        ) as training,
        ended_with(training),
        steps_bar("training networks") as on_progress,
    ):
        assert training.stdout is not None
        total = json.loads(training.stdout.readline() or b'{"networks": 0}')["networks"]
        for line in training.stdout:
            done = json.loads(line)
            truth[done["name"]] = done["transfer_accuracy"]
            on_progress({"step": len(truth), "total": total})
            _print_unless_terminal(f"trained {done['name']} ({len(truth)} of {total})")
    if training.returncode != 0:
        tail = "\n".join(complaints.read_text().splitlines()[-8:])
        raise UnavailableError(f"the demo's training failed:\n{tail}", code="training_failed")
    return truth


@contextmanager
def ended_with(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """An interrupted or terminated demo ends its training program and all processes of that.

    The program leads a session of its own.
    """
    former = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        raise
    finally:
        signal.signal(signal.SIGTERM, former)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _print_unless_terminal(line: str) -> None:
    """Print a line where nobody sees a progress bar, such as in a file."""
    if not sys.stdout.isatty():
        typer.echo(line)
        sys.stdout.flush()


def uploaded(zoo: ZooClient, built_zoo: BuiltZoo) -> UploadedZoo:
    """Upload what the zoo does not have yet, and wait until everything is checked."""
    probes = _dataset(zoo, built_zoo.folder / "probes.zip", name="digits", layout="flat")
    target = _dataset(
        zoo, built_zoo.folder / "target.zip", name="digits 5 to 9, labeled", layout="folders"
    )
    eval_dataset = _dataset(
        zoo, built_zoo.folder / "evaluation.zip", name="digits, for evaluation", layout="folders"
    )
    models = _models(zoo, built_zoo)
    for dataset in (probes, target, eval_dataset):
        _require_ready(zoo.datasets.wait(dataset["id"]))
    return UploadedZoo(models, probes["id"], target["id"], eval_dataset["id"])


def _dataset(zoo: ZooClient, path: Path, *, name: str, layout: str) -> Dataset:
    """The dataset of this name: an earlier demo's, or a new one."""
    for dataset in zoo.datasets.ls(name=name):
        if dataset["name"] == name and dataset["state"] != "rejected":
            return dataset
    return zoo.datasets.push(path, {"name": name, "layout": layout})


def _models(zoo: ZooClient, built_zoo: BuiltZoo) -> dict[str, str]:
    """Ids of the demo's networks; uploads the missing ones and waits for their checks."""
    existing = {model["name"]: model["id"] for model in zoo.models.ls(state="ready", tag="demo")}
    with steps_bar("uploading and checking") as on_progress:
        ids = {}
        for name in built_zoo.truth:
            ids[name] = existing.get(name) or _push(zoo, built_zoo.folder, name)
        for step, model_id in enumerate(ids.values(), start=1):
            _require_ready(zoo.models.wait(model_id))
            on_progress({"step": step, "total": len(ids)})
    return ids


def _push(zoo: ZooClient, folder: Path, name: str) -> str:
    """Upload a network; return its id."""
    manifest = json.loads((folder / f"{name}.manifest.json").read_text())
    return zoo.models.push(folder / f"{name}.pt2", manifest)["id"]


def _require_ready(resource: Mapping[str, Any]) -> None:
    """Raise ZooClientError with the reason if the zoo rejected a file of the demo."""
    if resource["state"] != "ready":
        problem = (
            resource.get("problems") or [{"code": "rejected", "detail": "no reason given"}]
        )[0]
        raise ZooClientError(f"{resource['name']}: {problem['detail']}", code=problem["code"])
