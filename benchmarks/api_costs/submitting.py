"""How long a submitted job waits, with a worker at rest: a tiny network explains one image."""

import statistics
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from zooscope import ZooClient
from zooscope.client.results import Job
from zooscope.packing import pack

_SIDE = 16


@dataclass(frozen=True)
class Waits:
    """Milliseconds between times that the database noted."""

    jobs: int
    submit_to_running_p50_ms: float
    submit_to_running_worst_ms: float
    submit_to_done_p50_ms: float


def waits(zoo: ZooClient, folder: Path, *, count: int) -> Waits:
    """Submit ``count`` jobs, one after the other, none of which was computed before."""
    model, images = _model(zoo, folder), _images(zoo, folder)
    jobs = [_job(zoo, model, images, seed) for seed in range(count)]
    to_running = [_between(job, "created_at", "started_at") for job in jobs]
    to_done = [_between(job, "created_at", "finished_at") for job in jobs]
    return Waits(
        jobs=count,
        submit_to_running_p50_ms=statistics.median(to_running),
        submit_to_running_worst_ms=max(to_running),
        submit_to_done_p50_ms=statistics.median(to_done),
    )


def _job(zoo: ZooClient, model: str, images: str, seed: int) -> Job:
    inputs = {"model_id": model, "dataset_id": images, "indices": [0]}
    job = zoo.jobs.submit("attribution_map", inputs=inputs, params={"seed": seed})
    done = zoo.jobs.wait(job["id"], timeout_seconds=120)
    if done["state"] != "succeeded":
        raise RuntimeError(str(done.get("error")))
    return done


def _between(job: Job, first: str, second: str) -> float:
    began, ended = (datetime.fromisoformat(str(job[key])) for key in (first, second))  # type: ignore[literal-required]
    return 1000 * (ended - began).total_seconds()


def _model(zoo: ZooClient, folder: Path) -> str:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 7 * 7, 4)]
    manifest = {
        "name": "tiny",
        "format": "pt2",
        "task": "classification",
        "input": {"height": _SIDE, "width": _SIDE},
    }
    file = folder / "tiny.pt2"
    pack(nn.Sequential(*layers), manifest, file)
    model = zoo.models.wait(zoo.models.push(file, manifest)["id"])
    if model["state"] != "ready":
        raise RuntimeError(str(model["problems"]))
    return model["id"]


def _images(zoo: ZooClient, folder: Path) -> str:
    images_folder = folder / "tiny"
    images_folder.mkdir()
    for shade in range(4):
        picture = Image.linear_gradient("L").rotate(90 * shade).resize((_SIDE, _SIDE))
        picture.convert("RGB").save(images_folder / f"{shade}.png")
    dataset = zoo.datasets.wait(
        zoo.datasets.push(images_folder, {"name": "tiny", "layout": "flat"})["id"]
    )
    return dataset["id"]
