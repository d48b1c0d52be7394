"""True transfer: a small decoder on frozen features, little data, losses on images held out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from benchmarks.taskonomy.images import Album
from benchmarks.taskonomy.tasks import Answer, TaskonomyTask
from benchmarks.taskonomy.training import TrainedSource, decoder_for, features_of

POOL = 1000
FEW = 400
JUDGED = 500
STEPS = 120
BATCH = 64
HIDDEN = 32


@dataclass(frozen=True)
class Learning:
    """How a decoder learns: chosen by losses held out, averaged over sources, for each answer."""

    rate: float
    decay: float
    dropout: float


LEARNING = {Answer.LABEL: Learning(1e-3, 1.0, 0.5), Answer.PIXELS: Learning(3e-3, 0.01, 0.0)}


@dataclass(frozen=True)
class Bench:
    """What every source is tried on for one target: pictures to learn from, and to judge by."""

    task: TaskonomyTask
    frames: Tensor
    answers: Tensor
    judged_frames: Tensor
    judged_answers: Tensor


def bench_for(task: TaskonomyTask, album: Album) -> Bench:
    """The same pictures, noise and turns for every source."""
    generator = torch.Generator().manual_seed(1000)
    few = task.choose(album.few).first(POOL)
    judged = task.choose(album.held_out).first(JUDGED)
    return Bench(task, *task.examples(few, generator), *task.examples(judged, generator))


def losses_of(
    sources: Sequence[TrainedSource], benches: Sequence[Bench], *, seeds: int, folder: Path
) -> tuple[Float32[np.ndarray, "target source seed image"], float]:
    """Losses of every transfer, from the folder or found now, and the seconds they took."""
    path = folder / f"losses_{seeds}.npz"
    if not path.exists():
        began = time.perf_counter()
        losses = [
            [held_out_losses(source, bench, seeds) for source in sources] for bench in benches
        ]
        np.savez(path, losses=np.array(losses), seconds=time.perf_counter() - began)
    with np.load(path) as stored:
        return stored["losses"], float(stored["seconds"])


def held_out_losses(
    source: TrainedSource, bench: Bench, seeds: int
) -> Float32[np.ndarray, "seed image"]:
    """Losses of decoders that were trained on the source's frozen features.

    A seed draws the few pictures that are learned from, the decoder's first weights and the
    order of learning.
    """
    train, judged = _standardized(
        features_of(source, bench.frames), features_of(source, bench.judged_frames)
    )
    rows = []
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        few = torch.randperm(len(train), generator=generator)[:FEW]
        decoder = _learned(bench.task, train[few], bench.answers[few], generator)
        with torch.no_grad():
            rows.append(bench.task.losses(decoder(judged), bench.judged_answers).cpu().numpy())
    return np.stack(rows).astype(np.float32)


def _learned(
    task: TaskonomyTask, features: Tensor, answers: Tensor, generator: torch.Generator
) -> nn.Module:
    how = LEARNING[task.answer]
    torch.manual_seed(generator.initial_seed())
    decoder = nn.Sequential(nn.Dropout(how.dropout), decoder_for(task, hidden=HIDDEN))
    decoder = decoder.to(features.device).train()
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=how.rate, weight_decay=how.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.rate, total_steps=STEPS)
    for _ in range(STEPS):
        batch = torch.randint(len(features), (BATCH,), generator=generator)
        loss = task.losses(decoder(features[batch]), answers[batch]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return decoder.eval()


def _standardized(train: Tensor, judged: Tensor) -> tuple[Tensor, Tensor]:
    """Both with mean 0 and deviation 1 of every channel over the few pictures."""
    mean = train.mean(dim=(0, 2, 3), keepdim=True)
    spread = train.std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-4)
    return (train - mean) / spread, (judged - mean) / spread
