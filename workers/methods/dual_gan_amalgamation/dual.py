"""Phases II and III: the student's blocks, trained through the teachers' later blocks."""

import copy
from collections.abc import Mapping, MutableMapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from service.core.catalog.dual_gan_amalgamation import TeacherFilter
from workers.methods.dual_gan_amalgamation.maths import agreement_loss
from workers.methods.dual_gan_amalgamation.networks import (
    Branch,
    BranchedStudent,
    Filter,
    TaskPick,
)
from workers.methods.dual_gan_amalgamation.parts import GeneratorParts, Maps, remainder_logits
from workers.methods.dual_gan_amalgamation.setup import Setup
from workers.programs import Program

_RUNNING, _HELD_OUT = "block_loss", "held_out_loss"
_SHARE = 0.1

Losses = Float[Tensor, " teacher"]
Memory = MutableMapping[str, Tensor]


class DualLearner:
    """The dual generator: the student's blocks with their filters.

    Attributes:
        count: Number of blocks.
        networks: All filters; the blocks belong to the student.
    """

    def __init__(self, setup: Setup, parts: GeneratorParts) -> None:
        self._setup, self._panel, self._parts = setup, setup.panel, parts
        self._blocks, self._remainders = parts.blocks, parts.remainders
        self._head = setup.student.head
        self.count = len(self._blocks)
        cuts, teachers = range(self.count - 1), range(len(self._remainders))
        self._filters = [[self._new_filter(cut, teacher) for teacher in teachers] for cut in cuts]
        self._picks = [[self._new_pick(teacher) for teacher in teachers] for _ in cuts]
        self._links = [self._new_link(cut) for cut in cuts]
        self.networks: dict[str, nn.Module] = {
            "branch_filters": nn.ModuleList(map(nn.ModuleList, self._filters)),
            "picks": nn.ModuleList(map(nn.ModuleList, self._picks)),
            "links": nn.ModuleList(self._links),
        }
        for network in self.networks.values():
            network.to(setup.device)

    def _new_filter(self, cut: int, number: int) -> Filter:
        shape = self._remainders[number][cut].input_shape
        channels, kind = self._parts.shapes[cut][0], self._setup.params.teacher_filter
        return Filter(channels, shape, kind, self._setup.generator)

    def _new_pick(self, number: int) -> TaskPick:
        return TaskPick(self._panel.head.output_columns(number), self._setup.params.task_filter)

    def _new_link(self, cut: int) -> Filter:
        """A filter from the generator's map between blocks to that of the student."""
        channels = self._remainders[0][cut].input_shape[0]
        shape = self._parts.shapes[cut]
        return Filter(channels, shape, TeacherFilter.NONE, self._setup.generator)

    def memory(self) -> dict[str, Tensor]:
        """Branch losses (block, teacher) in training, and on held-out images; initially 0."""
        size = (self.count, len(self._remainders))
        return {_RUNNING: torch.zeros(size), _HELD_OUT: torch.zeros(size)}

    def learning(self, number: int) -> list[nn.Module]:
        """Modules that learn with block ``number`` (from 1): its filters, or the head for the last."""
        modules: list[nn.Module] = [self._blocks[number - 1]]
        if number > 1:
            modules.append(self._links[number - 2])
        if number == self.count:
            return [*modules, self._head]
        return [*modules, *self._filters[number - 1], *self._picks[number - 1]]

    def block_losses(self, number: int, maps: Maps) -> Losses:
        """The branch loss of a block for every teacher, averaged over both streams.

        One stream comes from the previous blocks on the images, the other from the generator's
        maps at that depth. Source: Ye et al. 2020, L_u.

        Args:
            maps: Outputs of the generator's groups, images last; images alone give one stream.
        """
        teacher_logits, streams = (
            self._teacher_logits(maps[-1]),
            [self._up_to(number - 1, maps[-1])],
        )
        if number > 1 and len(maps) == self.count:
            streams.append(self._links[number - 2](maps[self.count - number]))
        # Both streams (image, channel, row, column) in one batch: the block's batch statistics
        # must not tell them apart.
        block_maps = self._blocks[number - 1].train()(torch.cat(streams))
        repeated_logits = [torch.cat([logits] * len(streams)) for logits in teacher_logits]
        self._head.train()
        return self._branch_losses(number, block_maps, repeated_logits)

    def _teacher_logits(self, images: Tensor) -> list[Tensor]:
        with torch.no_grad():
            return self._panel.logits(images)

    def _up_to(self, number: int, images: Tensor) -> Tensor:
        """Maps of images after ``number`` frozen blocks."""
        value = images
        with torch.no_grad():
            for block in self._blocks[:number]:
                value = block.eval()(value)
        return value

    def _branch_losses(
        self, number: int, block_maps: Tensor, teacher_logits: Sequence[Tensor]
    ) -> Losses:
        """Loss per teacher of its later blocks, or of the head, on this block's maps."""
        task, head = self._panel.task, self._panel.head
        if number == self.count:
            return self._label_losses(self._head(block_maps), teacher_logits)
        losses = []
        for teacher, remainders in enumerate(self._remainders):
            target_logits = teacher_logits[teacher][:, head.output_columns(teacher)]
            branch_logits = self._branch_logits(
                number, teacher, block_maps, remainders[number - 1]
            )
            losses.append(agreement_loss(branch_logits, target_logits, task))
        return torch.stack(losses)

    def _branch_logits(
        self, number: int, teacher: int, block_maps: Tensor, remainder: Program
    ) -> Tensor:
        filtered = self._filters[number - 1][teacher](block_maps)
        logits: Tensor = self._picks[number - 1][teacher](remainder_logits(remainder, filtered))
        return logits

    def _label_losses(self, student_logits: Tensor, teacher_logits: Sequence[Tensor]) -> Losses:
        """The student's loss on the labels of each teacher."""
        target_logits, head = self._panel.label_logits(teacher_logits), self._panel.head
        label_indices = [head.label_indices(number) for number in range(len(self._remainders))]
        return torch.stack(
            [
                agreement_loss(
                    student_logits[:, indices], target_logits[:, indices], self._panel.task
                )
                for indices in label_indices
            ]
        )

    def remember(self, memory: Memory, number: int, losses: Losses) -> None:
        """Updates the moving average of a block's branch losses."""
        running = memory[_RUNNING].clone()
        # The first losses replace the zeros instead of being averaged with them.
        share = _SHARE if bool(running[number - 1].any()) else 1.0
        running[number - 1] = torch.lerp(running[number - 1], losses.cpu(), share)
        memory[_RUNNING] = running

    def head_loss(self, images: Tensor) -> Tensor:
        """Loss of the head only, on frozen blocks."""
        block_maps = self._up_to(self.count, images)
        return self._label_losses(
            self._head.train()(block_maps), self._teacher_logits(images)
        ).mean()

    def whole_loss(self, images: Tensor) -> Tensor:
        """Loss of the whole student."""
        student_logits = self._setup.student.train()(images)
        return self._label_losses(student_logits, self._teacher_logits(images)).mean()

    def held_out(self, memory: Memory, images: Tensor) -> Float[Tensor, "block teacher"]:
        """Branch losses of all frozen blocks on new images, also summed in memory."""
        teacher_logits, value, losses = self._teacher_logits(images), images, []
        with torch.no_grad():
            for number, block in enumerate(self._blocks, start=1):
                value = block.eval()(value)
                losses.append(self._branch_losses(number, value, teacher_logits))
        table = torch.stack(losses)
        memory[_HELD_OUT] = memory[_HELD_OUT] + table.cpu()
        return table

    def exits(self, memory: Mapping[str, Tensor]) -> list[int]:
        """The block (from 1) after which each teacher's branch exits; the last until measured."""
        table = memory[_HELD_OUT]
        if not bool(table.any()):
            return [self.count] * table.shape[1]
        return [block + 1 for block in table.argmin(dim=0).tolist()]

    def branched(self, memory: Mapping[str, Tensor]) -> BranchedStudent:
        """A CPU copy of the student with the branches at their exits."""
        exits = self.exits(memory)
        branches = [
            None if exit_block == self.count else self._branch(exit_block, teacher)
            for teacher, exit_block in enumerate(exits)
        ]
        return BranchedStudent(
            [copy.deepcopy(block).cpu() for block in self._blocks],
            copy.deepcopy(self._head).cpu(),
            exits,
            branches,
            labels=self._panel.head,
            task=self._panel.task,
            rule=self._panel.rule,
        ).eval()

    def _branch(self, exit_block: int, teacher: int) -> Branch:
        exit_filter = copy.deepcopy(self._filters[exit_block - 1][teacher]).cpu()
        pick = copy.deepcopy(self._picks[exit_block - 1][teacher]).cpu()
        return Branch(exit_filter, self._remainders[teacher][exit_block - 1], pick)
