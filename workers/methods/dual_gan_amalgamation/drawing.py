"""Phase I: a stack of groups draws images, and teachers' rests read what is inside the stack."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from workers.methods.dual_gan_amalgamation.blocks import (
    Shape,
    rests_of,
    shapes_of,
    student_blocks,
)
from workers.methods.dual_gan_amalgamation.ground import Ground
from workers.methods.dual_gan_amalgamation.maths import agreement_loss
from workers.methods.dual_gan_amalgamation.networks import Filter, GroupStack
from workers.programs import OUTPUT, Program

Maps = tuple[Tensor, ...]


class Drawing:
    """The generator, and every teacher in blocks.

    Attributes:
        blocks: The student's, from the image to the head.
        shapes: Of the maps that these put out.
        rests: For every teacher what follows each of its blocks but the last.
        stack: The generator.

    Args:
        kept: For each teacher its number in ``params.cuts``.
    """

    def __init__(self, ground: Ground, kept: Sequence[int]) -> None:
        self._ground, self._panel = ground, ground.panel
        self.blocks = student_blocks(ground.student, ground.params.blocks)
        self.shapes = shapes_of(self.blocks, ground.panel.spec, ground.device)
        self.rests = self._parted(kept)
        params = ground.params
        self.stack = GroupStack(
            self._start(),
            [one.input_shape for one in reversed(self.rests[0])],
            ground.panel.spec,
            noise_units=params.noise_units,
            generator=ground.generator,
        ).to(ground.device)
        self._filters = self._made_filters()
        self.networks["filters"].to(ground.device)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All that learns in this phase."""
        return {
            "generator": self.stack,
            "filters": nn.ModuleList(map(nn.ModuleList, self._filters)),
        }

    def _parted(self, kept: Sequence[int]) -> list[tuple[Program, ...]]:
        cuts, whole = self._ground.params.cuts, self._panel.spec.height
        sides = [one[1] / whole for one in self.shapes[:-1]]
        return [
            rests_of(one, None if cuts is None else cuts[number], sides)
            for number, one in zip(kept, self._panel.teachers, strict=True)
        ]

    def _start(self) -> Shape:
        """Half the deepest map of the first teacher's, as wide as the student's last one."""
        spec = self._panel.spec
        deepest = self.rests[0][-1].input_shape if self.rests[0] else (0, spec.height, spec.width)
        return self.shapes[-1][0], math.ceil(deepest[1] / 2), math.ceil(deepest[2] / 2)

    def _made_filters(self) -> list[list[Filter]]:
        """For every map between blocks and every teacher one."""
        kind, generator = self._ground.params.teacher_filter, self._ground.generator
        taken = self.rests[0]
        return [
            [
                Filter(taken[place].input_shape[0], rests[place].input_shape, kind, generator)
                for rests in self.rests
            ]
            for place in range(len(self.blocks) - 1)
        ]

    def maps(self, noise: Tensor) -> Maps:
        """What every group puts out, the images last; without gradients."""
        with torch.no_grad():
            found: Maps = self.stack(noise)
        return found

    def consistency(self, maps: Maps, answers: Sequence[Tensor]) -> Tensor:
        """How far teachers, told inner maps, are from what they say of the images.

        Source: Ye et al. 2020, the second term of L_joint: the mean over groups but the last.
        """
        told = self._panel.groups(answers)
        losses = []
        for place, inner in enumerate(reversed(maps[:-1])):
            said = [
                first_answer(rests[place], one(inner))
                for one, rests in zip(self._filters[place], self.rests, strict=True)
            ]
            pairs = zip(self._panel.groups(said), told, strict=True)
            losses += [agreement_loss(*pair, self._panel.task) for pair in pairs]
        return torch.stack(losses).mean()


def first_answer(rest: Program, maps: Tensor) -> Tensor:
    """Logits of a teacher's later blocks; gradients flow back to the maps."""
    return rest.read(maps, [OUTPUT])[OUTPUT]
