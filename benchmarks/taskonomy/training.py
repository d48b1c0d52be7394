"""Encoders trained each on its own task, kept in a folder so that analysis can be repeated."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.taskonomy.images import Album, Pictures
from benchmarks.taskonomy.networks import Decoder, Encoder, seen
from benchmarks.taskonomy.tasks import Answer, Task

RANDOM = "random"
BATCH = 96
RATE = 3e-3
HIDDEN = 64
PLACES = 16


@dataclass(frozen=True)
class Source:
    """A trained encoder; ``planes`` is 1 where it sees luma alone."""

    name: str
    encoder: Encoder
    planes: int = 3


def decoder_for(task: Task, *, hidden: int) -> Decoder:
    """A fresh decoder for a task."""
    whole = PLACES if task.answer is Answer.LABEL else None
    return Decoder(task.numbers, hidden=hidden, whole=whole)


def untrained(album: Album, seed: int) -> Source:
    """The control: random weights; its normalization layers have seen images."""
    torch.manual_seed(seed)
    encoder = Encoder().to(album.lessons.frames.device).train()
    with torch.no_grad():
        for _ in range(3):
            encoder(seen(album.lessons.frames[:2000], 3))
    return Source(RANDOM, encoder.eval())


def trained(task: Task, album: Album, *, steps: int, seed: int) -> Source:
    """The encoder of a network that learned one task."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    planes = 1 if task.grey else 3
    encoder, decoder = Encoder(), decoder_for(task, hidden=HIDDEN)
    network = nn.Sequential(encoder, decoder).to(album.lessons.frames.device)
    network = network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    lessons = task.choose(album.lessons)
    for _ in range(steps):
        batch = lessons.at(torch.randint(len(lessons), (BATCH,), generator=generator))
        frames, answers = task.examples(_mirrored(batch, generator), generator)
        with torch.autocast(frames.device.type, torch.bfloat16):
            found = network(seen(frames, planes))
        loss = task.losses(found.float(), answers).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return Source(task.name, encoder.eval(), planes)


def _mirrored(pictures: Pictures, generator: torch.Generator) -> Pictures:
    """Half of the pictures with left and right exchanged."""
    chosen = torch.rand(len(pictures), generator=generator) < 0.5
    chosen = chosen.to(pictures.frames.device).view(-1, 1, 1, 1)
    return Pictures(torch.where(chosen, pictures.frames.flip(3), pictures.frames), pictures.labels)


def kept(task: Task | None, album: Album, *, steps: int, seed: int, folder: Path) -> Source:
    """The source of a task, or the control, from the folder; trained first where it is not there."""
    name = RANDOM if task is None else task.name
    place = folder / f"{name.replace(' ', '_')}.safetensors"
    if not place.exists():
        began = time.perf_counter()
        found = (
            untrained(album, seed)
            if task is None
            else trained(task, album, steps=steps, seed=seed)
        )
        weights = {key: one.contiguous() for key, one in found.encoder.state_dict().items()}
        save_file(weights, place, {"seconds": f"{time.perf_counter() - began:.1f}"})
    encoder = Encoder().eval()
    encoder.load_state_dict(load_file(place))
    planes = 1 if task is not None and task.grey else 3
    return Source(name, encoder.to(album.lessons.frames.device), planes)


def seconds_spent(folder: Path) -> float:
    """What training took for all sources of a folder together."""
    total = 0.0
    for place in sorted(folder.glob("*.safetensors")):
        with safe_open(place, framework="pt") as file:
            total += float(file.metadata()["seconds"])
    return total


@torch.no_grad()
def features_of(source: Source, frames: Tensor) -> Tensor:
    """F of every frame, in blocks."""
    blocks = [source.encoder(seen(part, source.planes)) for part in torch.split(frames, 250)]
    return torch.cat(blocks)
