"""Networks that this method invents: the stacked generator, the filters, the branched student."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalogue.dual_gan_amalgamation import TaskFilter, TeacherFilter
from service.core.manifest import InputSpec, TaskKind
from workers.methods.dual_gan_amalgamation.blocks import Shape
from workers.methods.dual_gan_amalgamation.maths import label_logits
from workers.programs import OUTPUT, Program
from workers.programs.trainable import TrainableProgram
from workers.torchkit.generators import fill_evenly, standard_space
from workers.torchkit.students import fill_linear
from workers.torchkit.teachers import Head

_SLOPE = 0.2
_SQUEEZE, _NARROWEST = 4, 4

Maps = Float[Tensor, "image channel row column"]
Logits = Float[Tensor, "image output"]


def _normalization(channels: int) -> nn.BatchNorm2d:
    """Of the batch at hand, in training and out of it."""
    return nn.BatchNorm2d(channels, track_running_stats=False)


def _group(before: Shape, after: Shape) -> nn.Sequential:
    """From one map to the next larger one, as a teacher's block put it in."""
    return nn.Sequential(
        nn.Upsample(size=after[1:], mode="nearest"),
        nn.Conv2d(before[0], after[0], 3, padding=1),
        _normalization(after[0]),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(after[0], after[0], 3, padding=1),
        _normalization(after[0]),
        nn.ReLU(),
    )


def _last_group(before: Shape, image: Shape) -> nn.Sequential:
    """From the largest map to images whose channels have mean 0 and variance 1."""
    return nn.Sequential(
        nn.Upsample(size=image[1:], mode="nearest"),
        nn.Conv2d(before[0], before[0], 3, padding=1),
        _normalization(before[0]),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(before[0], image[0], 3, padding=1),
        nn.Tanh(),
        nn.BatchNorm2d(image[0], affine=False, track_running_stats=False),
    )


class GroupStack(nn.Module):
    """Groups that mirror a teacher's blocks: each puts out what the teacher's rest takes.

    Source: Ye et al. 2020, section 3.1; the layers inside are ours.

    Args:
        start: Shape that the noise is first brought to.
        between: Shapes of the teacher's maps between blocks, the deepest first.
        spec: Of the images.
    """

    def __init__(
        self,
        start: Shape,
        between: Sequence[Shape],
        spec: InputSpec,
        *,
        noise_units: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self._start = start
        shapes = [start, *between]
        image = (spec.channels, spec.height, spec.width)
        self.linear = nn.Linear(noise_units, math.prod(start))
        self.first = _normalization(start[0])
        inner = [_group(before, after) for before, after in pairwise(shapes)]
        self.groups = nn.ModuleList([*inner, _last_group(shapes[-1], image)])
        self._scale, self._shift = standard_space(spec)
        fill_evenly(self, generator)

    def forward(self, noise: Float[Tensor, "image unit"]) -> tuple[Tensor, ...]:
        """What every group puts out, from the deepest map to the images."""
        value = self.first(self.linear(noise).unflatten(1, self._start))
        found = []
        for group in self.groups:
            value = group(value)
            found.append(value)
        return *found[:-1], found[-1] * self._scale + self._shift


class Filter(nn.Module):
    """A map as a network's rest takes it: channel gates, then channels and sizes made to fit.

    Gates are twice the sigmoid of two linear layers on the mean over places: 1 where these give 0.
    Source: Ye et al. 2020, section 3.1.2, the teacher-level filter; convolution and resize, where
    shapes differ, are ours.
    """

    def __init__(
        self, channels: int, shape: Shape, kind: TeacherFilter, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._size = shape[1:]
        narrow = max(_NARROWEST, channels // _SQUEEZE)
        gates = (nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels))
        self.gates = nn.Sequential(*gates) if kind is TeacherFilter.GATES else None
        self.fit = nn.Conv2d(channels, shape[0], 1) if channels != shape[0] else None
        for one in self.modules():
            if isinstance(one, nn.Linear):
                fill_linear(one, generator)
        if self.fit is not None:
            nn.init.kaiming_normal_(self.fit.weight, generator=generator)
            nn.init.zeros_(self.fit.bias)  # type: ignore[arg-type]

    def forward(self, maps: Maps) -> Float[Tensor, "image other row2 column2"]:
        """The maps, filtered."""
        if self.gates is not None:
            maps = maps * 2 * self.gates(maps.mean(dim=(2, 3))).sigmoid()[:, :, None, None]
        if self.fit is not None:
            maps = self.fit(maps)
        if maps.shape[2:] != self._size:
            maps = functional.interpolate(maps, self._size, mode="bilinear", align_corners=False)
        return maps


class TaskPick(nn.Module):
    """A teacher's outputs that are wanted; ``affine`` also learns a scale and shift for each.

    Source: Ye et al. 2020, section 3.2, the task-level filter.
    """

    columns: Tensor

    def __init__(self, columns: Tensor, kind: TaskFilter) -> None:
        super().__init__()
        self.register_buffer("columns", columns)
        learned = kind is TaskFilter.AFFINE
        self.scale = nn.Parameter(torch.ones(len(columns))) if learned else None
        self.shift = nn.Parameter(torch.zeros(len(columns))) if learned else None

    def forward(self, answers: Logits) -> Float[Tensor, "image wanted"]:
        """Logits of the wanted labels."""
        wanted = answers.index_select(1, self.columns)
        if self.scale is None or self.shift is None:
            return wanted
        return wanted * self.scale + self.shift


class Branch(nn.Module):
    """From the student's map after a block on, through a teacher's later blocks."""

    def __init__(self, after: Filter, rest: Program, pick: TaskPick) -> None:
        super().__init__()
        self.after, self.pick = after, pick
        self.rest = TrainableProgram(rest.to("cpu"), OUTPUT)

    def forward(self, maps: Maps) -> Float[Tensor, "image wanted"]:
        """Logits of the teacher's wanted labels."""
        answers: Tensor = self.pick(self.rest(self.after(maps)))
        return answers


class BranchedStudent(nn.Module):
    """The student's blocks, left for each teacher's own where they understand it best.

    Args:
        places: For each teacher after which block, counted from 1; the number of blocks means
            that the student's own head answers.
        branches: For each teacher what follows there; None where it is the head.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        head: nn.Module,
        places: Sequence[int],
        branches: Sequence[Branch | None],
        *,
        labels: Head,
        task: TaskKind,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks[: max(places)])
        self.head = head if len(blocks) in places else None
        self._places = tuple(places)
        self.branches = nn.ModuleList(nn.Identity() if one is None else one for one in branches)
        self._labels, self._task = labels, task

    def forward(self, images: Maps) -> Float[Tensor, "image label"]:
        """One logit for every label."""
        maps, value = [], images
        for block in self.blocks:
            value = block(value)
            maps.append(value)
        own = None if self.head is None else self.head(value)
        answers = []
        for number, (place, branch) in enumerate(zip(self._places, self.branches, strict=True)):
            if isinstance(branch, nn.Identity):
                assert own is not None
                answers.append(own[:, self._labels.label_indices(number)])
            else:
                answers.append(branch(maps[place - 1]))
        return label_logits(torch.cat(answers, dim=1), self._labels, self._task)
