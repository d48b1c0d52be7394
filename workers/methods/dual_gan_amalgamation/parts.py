"""Phase I: a stack of groups generates images; the teachers' later blocks read its inner maps."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from workers.methods.dual_gan_amalgamation.blocks import (
    Shape,
    remainders_of,
    shapes_of,
    student_blocks,
)
from workers.methods.dual_gan_amalgamation.maths import agreement_loss
from workers.methods.dual_gan_amalgamation.networks import Filter, GroupStack
from workers.methods.dual_gan_amalgamation.setup import Setup
from workers.programs import OUTPUT, Program

Maps = tuple[Tensor, ...]


class GeneratorParts:
    """The generator, and every teacher partitioned into blocks.

    Attributes:
        blocks: The student's blocks, from the image to the head.
        shapes: Shapes of the blocks' output maps.
        remainders: Remainder of every teacher after each of its blocks except the last.
        stack: The generator.

    Args:
        numbers: Index of each teacher in ``params.cuts``.
    """

    def __init__(self, setup: Setup, numbers: Sequence[int]) -> None:
        self._setup, self._panel = setup, setup.panel
        self.blocks = student_blocks(setup.student, setup.params.blocks)
        self.shapes = shapes_of(self.blocks, setup.panel.spec, setup.device)
        self.remainders = self._partition(numbers)
        params = setup.params
        self.stack = GroupStack(
            self._start(),
            [remainder.input_shape for remainder in reversed(self.remainders[0])],
            setup.panel.spec,
            noise_units=params.noise_units,
            generator=setup.generator,
        ).to(setup.device)
        self._filters = self._new_filters()
        self.networks["filters"].to(setup.device)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks that learn in this phase."""
        return {
            "generator": self.stack,
            "filters": nn.ModuleList(map(nn.ModuleList, self._filters)),
        }

    def _partition(self, numbers: Sequence[int]) -> list[tuple[Program, ...]]:
        cuts, image_side = self._setup.params.cuts, self._panel.spec.height
        sides = [shape[1] / image_side for shape in self.shapes[:-1]]
        return [
            remainders_of(teacher, None if cuts is None else cuts[number], sides)
            for number, teacher in zip(numbers, self._panel.teachers, strict=True)
        ]

    def _start(self) -> Shape:
        """Start shape: half the first teacher's deepest map, with the student's last channels."""
        spec = self._panel.spec
        deepest = (
            self.remainders[0][-1].input_shape
            if self.remainders[0]
            else (0, spec.height, spec.width)
        )
        return self.shapes[-1][0], math.ceil(deepest[1] / 2), math.ceil(deepest[2] / 2)

    def _new_filters(self) -> list[list[Filter]]:
        """One filter per map between blocks and teacher."""
        kind, generator = self._setup.params.teacher_filter, self._setup.generator
        first_remainders = self.remainders[0]
        return [
            [
                Filter(
                    first_remainders[index].input_shape[0],
                    remainders[index].input_shape,
                    kind,
                    generator,
                )
                for remainders in self.remainders
            ]
            for index in range(len(self.blocks) - 1)
        ]

    def maps(self, noise: Tensor) -> Maps:
        """Output maps of every group, images last, without gradients."""
        with torch.no_grad():
            maps: Maps = self.stack(noise)
        return maps

    def consistency(self, maps: Maps, teacher_logits: Sequence[Tensor]) -> Tensor:
        """Loss between the teachers' logits on inner maps and on the final images.

        Source: Ye et al. 2020, the second term of L_joint: the mean over groups but the last.
        """
        teacher_groups = self._panel.groups(teacher_logits)
        losses = []
        # Groups run from deep to shallow and blocks from shallow to deep: hence reversed. Each
        # inner map (image, channel, row, column) enters the teachers behind block ``index``.
        for index, inner in enumerate(reversed(maps[:-1])):
            inner_logits = [
                remainder_logits(remainders[index], map_filter(inner))
                for map_filter, remainders in zip(
                    self._filters[index], self.remainders, strict=True
                )
            ]
            pairs = zip(self._panel.groups(inner_logits), teacher_groups, strict=True)
            losses += [agreement_loss(*pair, self._panel.task) for pair in pairs]
        return torch.stack(losses).mean()


def remainder_logits(remainder: Program, maps: Tensor) -> Tensor:
    """Logits of a teacher's later blocks; differentiable in the maps."""
    return remainder.read(maps, [OUTPUT])[OUTPUT]
