"""Trains zoos, measures the true transfers and keeps all that measures need in one file a zoo."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from benchmarks.many_zoos.albums import ALBUMS
from benchmarks.many_zoos.families import FamilyEncoder
from benchmarks.many_zoos.training import (
    features_of,
    held_out_losses,
    planes_of,
    trained,
    untrained,
)
from benchmarks.many_zoos.zoos import ZooPlan
from benchmarks.real_run.stages import say
from benchmarks.taskonomy.images import SIDE, Album
from benchmarks.taskonomy.measures import frames_of
from benchmarks.taskonomy.networks import MEAN, SPREAD, encoder_inputs
from benchmarks.taskonomy.tasks import TaskonomyTask, tasks_of
from benchmarks.taskonomy.transfers import bench_for
from service.core.catalog.depara import DeparaParams
from workers.methods import depara
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.module_reader import ModuleReader
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.graphs import DeparaGraph

OTHER_PROBES = 260
_LAYER = "layers"


def generate(plan: ZooPlan, data: Path, folder: Path) -> Path:
    """The file of a zoo; made now unless it is there."""
    path = folder / f"{plan.name}.npz"
    if path.exists():
        return path
    began = time.process_time()
    album = ALBUMS[plan.album](data)
    tasks = [task for task in tasks_of(album) if task.name in plan.tasks]
    encoders = [untrained(plan, album), *(trained(plan, task, album) for task in tasks)]
    plane_counts = [planes_of(task) for task in (None, *tasks)]
    encoded = time.process_time()
    losses = _padded(
        [held_out_losses(plan, encoders, plane_counts, bench_for(task, album)) for task in tasks]
    )
    transferred = time.process_time()
    probes = {"own": album.probes.frames[: plan.probes], **_others(album, data)}
    arrays = _views(encoders, plane_counts, probes)
    spent = np.array([encoded - began, transferred - encoded, time.process_time() - transferred])
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, losses=losses, tasks=[task.name for task in tasks], seconds=spent, **arrays)
    partial.rename(path)
    say(
        f"{plan.name}: {len(probes['own'])} probes, CPU-seconds {spent.round().tolist()}, {_summary(tasks, losses)}"
    )
    return path


def _padded(losses: Sequence[np.ndarray]) -> np.ndarray:
    """(target, source, draw, image); NaN where a target has fewer images."""
    longest = max(rows.shape[2] for rows in losses)
    missing = [((0, 0), (0, 0), (0, longest - rows.shape[2])) for rows in losses]
    pairs = zip(losses, missing, strict=True)
    return np.stack([np.pad(rows, widths, constant_values=np.nan) for rows, widths in pairs])


def _summary(tasks: Sequence[TaskonomyTask], losses: np.ndarray) -> str:
    means = np.nanmean(losses, axis=(2, 3))
    return ", ".join(
        f"{task.name} {row.min():.2f}-{row[0]:.2f}" for task, row in zip(tasks, means, strict=True)
    )


def _others(own: Album, data: Path) -> dict[str, Tensor]:
    """Probes of all the other albums in equal parts, and pixels of uniform noise."""
    albums = [read(data) for read in ALBUMS.values()]
    others = [album for album in albums if album.name != own.name]
    share = -(-OTHER_PROBES // len(others))
    mixed = torch.cat([album.probes.frames[:share] for album in others])[:OTHER_PROBES]
    noise = torch.rand(OTHER_PROBES, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return {"mixed": mixed, "noise": noise}


def _views(
    encoders: Sequence[FamilyEncoder], plane_counts: Sequence[int], probes: dict[str, Tensor]
) -> dict[str, np.ndarray]:
    """Features, features half-way up (own probes) and maps, of every source and kind of probe."""
    arrays = {}
    for kind, frames in probes.items():
        pairs = list(zip(encoders, plane_counts, strict=True))
        features = [features_of(encoder, frames, planes).flatten(1) for encoder, planes in pairs]
        arrays[f"{kind}_features"] = torch.stack(features).half().numpy()
        canonical = frames_of(frames)
        graphs = [_graph(encoder, planes, canonical) for encoder, planes in pairs]
        arrays[f"{kind}_maps"] = torch.stack([graph.maps for graph in graphs]).numpy()
        if kind == "own":
            halfway = [_halfway(encoder, frames, planes) for encoder, planes in pairs]
            arrays["halfway"] = torch.stack(halfway).half().numpy()
    return arrays


def _graph(
    encoder: FamilyEncoder, planes: int, probes: UInt8[Tensor, "probe side side 3"]
) -> DeparaGraph:
    """The graph of an encoder, by the method that the service runs."""
    reader = ModuleReader(encoder, _LAYER, input_shape=(planes, SIDE, SIDE))
    preprocessing = Preprocessing(
        planes, SIDE, SIDE, mean=(MEAN,) * planes, std=(SPREAD,) * planes
    )
    inputs = depara.DeparaData("source", "probes", reader, preprocessing, probes)
    return depara.run(inputs, DeparaParams(), silent).graph


@torch.no_grad()
def _halfway(encoder: FamilyEncoder, frames: Tensor, planes: int) -> Tensor:
    """Features half-way up, as means over 4 × 4 places where they have a plane."""
    rows = []
    for part in torch.split(frames, 250):
        lower = encoder.halfway(encoder_inputs(part, planes))
        if lower.ndim == 4:
            lower = torch.nn.functional.adaptive_avg_pool2d(lower, 4)
        rows.append(lower.flatten(1))
    return torch.cat(rows)
