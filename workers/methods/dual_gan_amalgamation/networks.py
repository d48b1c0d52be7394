"""The method's own networks: the stacked generator, the filters and the branched student."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalog.dual_gan_amalgamation import TaskFilter, TeacherFilter
from service.core.catalog.training import SharedLabels
from service.core.manifest import InputSpec, TaskKind
from workers.methods.dual_gan_amalgamation.blocks import Shape
from workers.programs import OUTPUT, Program
from workers.programs.trainable import TrainableProgram
from workers.torchkit.training.generators import fill_evenly, standard_space
from workers.torchkit.training.shared_labels import label_logits
from workers.torchkit.training.students import fill_linear
from workers.torchkit.training.teachers import Head

_SLOPE = 0.2
_SQUEEZE, _NARROWEST = 4, 4

Maps = Float[Tensor, "image channel row column"]
Logits = Float[Tensor, "image output"]


def _normalization(channels: int) -> nn.BatchNorm2d:
    """Normalization by the statistics of the current batch, in every mode."""
    return nn.BatchNorm2d(channels, track_running_stats=False)


def _group(before: Shape, after: Shape) -> nn.Sequential:
    """Layers from one map to the next larger one, the input of a teacher's block."""
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
    """Layers from the largest map to images whose channels have mean 0 and variance 1."""
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
    """Groups that mirror a teacher's blocks: each outputs maps that its later blocks accept.

    Source: Ye et al. 2020, section 3.1; the layers inside are ours.

    Args:
        start: Shape to which the noise is first mapped.
        between: Shapes of the teacher's maps between blocks, deepest first.
        spec: Input specification of the images.
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
        """Output maps of every group, from the deepest map to the images."""
        value = self.first(self.linear(noise).unflatten(1, self._start))
        maps = []
        for group in self.groups:
            value = group(value)
            maps.append(value)
        return *maps[:-1], maps[-1] * self._scale + self._shift


class Filter(nn.Module):
    """Adapts a map to a network's later blocks: channel gates, then channels and size.

    Gates are twice the sigmoid of two linear layers on the mean over positions: 1 at zero output.
    Source: Ye et al. 2020, section 3.1.2, the teacher-level filter; convolution and resize, where
    shapes differ, are ours.
    """

    def __init__(
        self, channels: int, shape: Shape, kind: TeacherFilter, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._size = shape[1:]
        squeezed = max(_NARROWEST, channels // _SQUEEZE)
        gates = (nn.Linear(channels, squeezed), nn.ReLU(), nn.Linear(squeezed, channels))
        self.gates = nn.Sequential(*gates) if kind is TeacherFilter.GATES else None
        self.fit = nn.Conv2d(channels, shape[0], 1) if channels != shape[0] else None
        for module in self.modules():
            if isinstance(module, nn.Linear):
                fill_linear(module, generator)
        if self.fit is not None:
            nn.init.kaiming_normal_(self.fit.weight, generator=generator)
            nn.init.zeros_(self.fit.bias)  # type: ignore[arg-type]

    def forward(self, maps: Maps) -> Float[Tensor, "image other row2 column2"]:
        """The adapted maps."""
        if self.gates is not None:
            # (image, channel): one gate per channel, from the whole map's mean.
            maps = maps * 2 * self.gates(maps.mean(dim=(2, 3))).sigmoid()[:, :, None, None]
        if self.fit is not None:
            maps = self.fit(maps)
        if maps.shape[2:] != self._size:
            maps = functional.interpolate(maps, self._size, mode="bilinear", align_corners=False)
        return maps


class TaskPick(nn.Module):
    """Selects a teacher's outputs; ``affine`` also learns a scale and shift for each.

    Source: Ye et al. 2020, section 3.2, the task-level filter.
    """

    columns: Tensor

    def __init__(self, columns: Tensor, kind: TaskFilter) -> None:
        super().__init__()
        self.register_buffer("columns", columns)
        learned = kind is TaskFilter.AFFINE
        self.scale = nn.Parameter(torch.ones(len(columns))) if learned else None
        self.shift = nn.Parameter(torch.zeros(len(columns))) if learned else None

    def forward(self, logits: Logits) -> Float[Tensor, "image selected"]:
        """Logits of the selected labels."""
        selected = logits.index_select(1, self.columns)
        if self.scale is None or self.shift is None:
            return selected
        return selected * self.scale + self.shift


class Branch(nn.Module):
    """A branch from the student's map after a block through a teacher's later blocks."""

    def __init__(self, after: Filter, remainder: Program, pick: TaskPick) -> None:
        super().__init__()
        self.after, self.pick = after, pick
        self.remainder = TrainableProgram(remainder.to("cpu"), OUTPUT)

    def forward(self, maps: Maps) -> Float[Tensor, "image selected"]:
        """Logits of the teacher's selected labels."""
        logits: Tensor = self.pick(self.remainder(self.after(maps)))
        return logits


class BranchedStudent(nn.Module):
    """The student's blocks, with a branch per teacher at the exit of lowest loss.

    Args:
        exits: Block (from 1) after which each teacher's branch exits; the number of blocks
            stands for the student's own head.
        branches: The branch of each teacher; None for the head.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        head: nn.Module,
        exits: Sequence[int],
        branches: Sequence[Branch | None],
        *,
        labels: Head,
        task: TaskKind,
        rule: SharedLabels,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks[: max(exits)])
        self.head = head if len(blocks) in exits else None
        self._exits = tuple(exits)
        self.branches = nn.ModuleList(
            nn.Identity() if branch is None else branch for branch in branches
        )
        self._labels, self._task, self._rule = labels, task, rule
        self._selected = labels.of_selected_outputs()

    def forward(self, images: Maps) -> Float[Tensor, "image label"]:
        """Logits (image, label)."""
        maps, value = [], images
        for block in self.blocks:
            value = block(value)
            maps.append(value)
        head_logits = None if self.head is None else self.head(value)
        logits = []
        for number, (exit_block, branch) in enumerate(
            zip(self._exits, self.branches, strict=True)
        ):
            if isinstance(branch, nn.Identity):
                assert head_logits is not None
                logits.append(head_logits[:, self._labels.label_indices(number)])
            else:
                logits.append(branch(maps[exit_block - 1]))
        return label_logits(logits, self._selected, self._task, rule=self._rule)
