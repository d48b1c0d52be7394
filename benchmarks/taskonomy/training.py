"""Encoders trained each on its own task, kept in a folder so that analysis can be repeated."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.taskonomy.images import Album, AlbumPictures
from benchmarks.taskonomy.networks import Decoder, TaskEncoder, encoder_inputs
from benchmarks.taskonomy.tasks import Answer, TaskonomyTask

RANDOM = "random"
BATCH = 96
RATE = 3e-3
HIDDEN = 64
PLACES = 16


@dataclass(frozen=True)
class TrainedSource:
    """A trained encoder; ``planes`` is 1 where it sees luma alone."""

    name: str
    encoder: TaskEncoder
    planes: int = 3


def decoder_for(task: TaskonomyTask, *, hidden: int) -> Decoder:
    """A fresh decoder for a task."""
    whole = PLACES if task.answer is Answer.LABEL else None
    return Decoder(task.numbers, hidden=hidden, whole=whole)


def untrained(album: Album, seed: int) -> TrainedSource:
    """The control: random weights; its normalization layers have seen images."""
    torch.manual_seed(seed)
    encoder = TaskEncoder().to(album.training.frames.device).train()
    with torch.no_grad():
        for _ in range(3):
            encoder(encoder_inputs(album.training.frames[:2000], 3))
    return TrainedSource(RANDOM, encoder.eval())


def trained(task: TaskonomyTask, album: Album, *, steps: int, seed: int) -> TrainedSource:
    """The encoder of a network that learned one task."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    planes = 1 if task.gray else 3
    encoder, decoder = TaskEncoder(), decoder_for(task, hidden=HIDDEN)
    network = nn.Sequential(encoder, decoder).to(album.training.frames.device)
    network = network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    pictures = task.choose(album.training)
    for _ in range(steps):
        batch = pictures.at(torch.randint(len(pictures), (BATCH,), generator=generator))
        frames, answers = task.examples(_mirrored(batch, generator), generator)
        with torch.autocast(frames.device.type, torch.bfloat16):
            outputs = network(encoder_inputs(frames, planes))
        loss = task.losses(outputs.float(), answers).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return TrainedSource(task.name, encoder.eval(), planes)


def _mirrored(pictures: AlbumPictures, generator: torch.Generator) -> AlbumPictures:
    """Half of the pictures with left and right exchanged."""
    chosen = torch.rand(len(pictures), generator=generator) < 0.5
    chosen = chosen.to(pictures.frames.device).view(-1, 1, 1, 1)
    return AlbumPictures(
        torch.where(chosen, pictures.frames.flip(3), pictures.frames), pictures.labels
    )


def stored_source(
    task: TaskonomyTask | None, album: Album, *, steps: int, seed: int, folder: Path
) -> TrainedSource:
    """The source of a task, or the control, from the folder; trained first where it is not there."""
    name = RANDOM if task is None else task.name
    path = folder / f"{name.replace(' ', '_')}.safetensors"
    if not path.exists():
        began = time.perf_counter()
        source = (
            untrained(album, seed)
            if task is None
            else trained(task, album, steps=steps, seed=seed)
        )
        weights = {key: tensor.contiguous() for key, tensor in source.encoder.state_dict().items()}
        save_file(weights, path, {"seconds": f"{time.perf_counter() - began:.1f}"})
    encoder = TaskEncoder().eval()
    encoder.load_state_dict(load_file(path))
    planes = 1 if task is not None and task.gray else 3
    return TrainedSource(name, encoder.to(album.training.frames.device), planes)


def seconds_spent(folder: Path) -> float:
    """What training took for all sources of a folder together."""
    total = 0.0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            total += float(file.metadata()["seconds"])
    return total


@torch.no_grad()
def features_of(source: TrainedSource, frames: Tensor) -> Tensor:
    """F of every frame, in blocks."""
    blocks = [
        source.encoder(encoder_inputs(part, source.planes)) for part in torch.split(frames, 250)
    ]
    return torch.cat(blocks)
