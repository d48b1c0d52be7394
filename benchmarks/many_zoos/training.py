"""Encoders trained each on its own task, and the true transfers between tasks."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.many_zoos.families import FAMILIES, FamilyEncoder
from benchmarks.many_zoos.zoos import ZooPlan
from benchmarks.taskonomy.images import Album
from benchmarks.taskonomy.networks import encoder_inputs
from benchmarks.taskonomy.tasks import Answer, TaskonomyTask
from benchmarks.taskonomy.transfers import JUDGED, LEARNING, Bench

RATE = 3e-3
FEW, DECODER_BATCH, HIDDEN = 256, 48, 32
_KERNEL = 9


def untrained(plan: ZooPlan, album: Album) -> FamilyEncoder:
    """The control: random weights; its normalization layers have seen images."""
    torch.manual_seed(plan.seed)
    encoder = FAMILIES[plan.family](plan.channels).train()
    with torch.no_grad():
        encoder(encoder_inputs(album.training.frames[:2000], 3))
    return encoder.eval()


def trained(plan: ZooPlan, task: TaskonomyTask, album: Album) -> FamilyEncoder:
    """The encoder of a network that learned one task with a 3 × 3 convolution and a linear map."""
    torch.manual_seed(plan.seed)
    generator = torch.Generator().manual_seed(plan.seed)
    encoder = FAMILIES[plan.family](plan.channels)
    network = nn.Sequential(encoder, _head(task, plan.channels)).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=plan.steps)
    pictures = task.choose(album.training)
    for _ in range(plan.steps):
        batch = pictures.at(torch.randint(len(pictures), (plan.batch,), generator=generator))
        frames, answers = task.examples(batch, generator)
        outputs = network(encoder_inputs(frames, planes_of(task)))
        optimizer.zero_grad(set_to_none=True)
        task.losses(outputs, answers).mean().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    return encoder.eval()


def planes_of(task: TaskonomyTask | None) -> int:
    """Planes that the network of a task sees."""
    return 1 if task is not None and task.gray else 3


def _head(task: TaskonomyTask, channels: int) -> nn.Module:
    last: tuple[nn.Module, ...] = (nn.Conv2d(64, task.numbers, 1),)
    if task.answer is Answer.LABEL:
        last = (nn.Flatten(), nn.Linear(64 * 16, task.numbers))
    return nn.Sequential(nn.Conv2d(channels, 64, 3, padding=1), nn.ReLU(), *last)


@torch.no_grad()
def features_of(encoder: FamilyEncoder, frames: Tensor, planes: int) -> Tensor:
    """F of every frame, in blocks."""
    return torch.cat([encoder(encoder_inputs(part, planes)) for part in torch.split(frames, 250)])


def held_out_losses(
    plan: ZooPlan, encoders: Sequence[FamilyEncoder], planes: Sequence[int], bench: Bench
) -> Float32[np.ndarray, "source draw image"]:
    """Losses of decoders on frozen features: those of all sources learn side by side.

    A draw chooses the few pictures, the first weights and the order, the same for every source.
    """
    pairs = [
        _standardized(
            *(
                features_of(encoder, frames, shown_planes)
                for frames in (bench.frames, bench.judged_frames)
            )
        )
        for encoder, shown_planes in zip(encoders, planes, strict=True)
    ]
    train, judged = (_windows(torch.stack(rows)) for rows in zip(*pairs, strict=True))
    rows = [
        _losses(plan, bench, (train, judged), torch.Generator().manual_seed(1000 + draw))
        for draw in range(plan.draws)
    ]
    return torch.stack(rows, dim=1).numpy()


def _windows(features: Tensor) -> Tensor:
    """(source, image, place, 9 · channel): what a 3 × 3 convolution sees at every place."""
    sources, images = features.shape[:2]
    unfolded = functional.unfold(features.flatten(0, 1), 3, padding=1)
    return unfolded.transpose(1, 2).unflatten(0, (sources, images)).contiguous()


def _losses(
    plan: ZooPlan, bench: Bench, windows: tuple[Tensor, Tensor], generator: torch.Generator
) -> Tensor:
    """(source, image)."""
    (train, judged), task, steps = windows, bench.task, plan.decoder_steps
    few = torch.randperm(train.shape[1], generator=generator)[:FEW]
    shown, answers = train[:, few], bench.answers[few]
    weights = _weights(task, train.shape[-1], generator)
    parameters = [
        weight.expand(len(train), *weight.shape).clone().requires_grad_() for weight in weights
    ]
    how = LEARNING[task.answer]
    optimizer = torch.optim.AdamW(parameters, lr=how.rate, weight_decay=how.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.rate, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(few), (DECODER_BATCH,), generator=generator)
        inputs = shown[:, batch]
        mask = torch.rand(inputs.shape[1:], generator=generator) >= how.dropout
        outputs = _decoded(task, inputs * mask / (1 - how.dropout), parameters)
        loss = _by_source(task, outputs, answers[batch]).mean(dim=1).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return _by_source(task, _decoded(task, judged, parameters), bench.judged_answers)


def _weights(task: TaskonomyTask, inputs: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """First weights as PyTorch's layers draw them; one decoder for all sources."""
    last = HIDDEN * (16 if task.answer is Answer.LABEL else 1)
    sizes = ((inputs, HIDDEN), (1, HIDDEN), (last, task.numbers), (1, task.numbers))
    fans = (inputs, inputs, last, last)
    return tuple(
        (2 * torch.rand(size, generator=generator) - 1) / fan**0.5
        for size, fan in zip(sizes, fans, strict=True)
    )


def _decoded(task: TaskonomyTask, windows: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """(source, image, numbers), or (source, image, numbers, 4, 4)."""
    first, first_bias, last, last_bias = parameters
    sources, images = windows.shape[:2]
    hidden = torch.relu(torch.baddbmm(first_bias, windows.flatten(1, 2), first))
    if task.answer is Answer.LABEL:
        return torch.baddbmm(last_bias, hidden.view(sources, images, -1), last)
    outputs = torch.baddbmm(last_bias, hidden, last).view(sources, images, 16, -1)
    return outputs.transpose(2, 3).unflatten(3, (4, 4))


def _by_source(task: TaskonomyTask, outputs: Tensor, answers: Tensor) -> Tensor:
    """Losses (source, image)."""
    sources, images = outputs.shape[:2]
    repeated = answers.expand(sources, *answers.shape).flatten(0, 1)
    return task.losses(outputs.flatten(0, 1), repeated).view(sources, images)


def _standardized(train: Tensor, judged: Tensor) -> tuple[Tensor, Tensor]:
    """Both with mean 0 and deviation 1 of every channel over the pool of pictures."""
    mean = train.mean(dim=(0, 2, 3), keepdim=True)
    spread = train.std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-4)
    return (train - mean) / spread, (judged[:JUDGED] - mean) / spread
