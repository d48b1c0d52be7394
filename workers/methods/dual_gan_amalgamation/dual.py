"""Phases II and III: the student's blocks, judged by what follows in the teachers."""

import copy
from collections.abc import Mapping, MutableMapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from service.core.catalogue.dual_gan_amalgamation import TeacherFilter
from workers.methods.dual_gan_amalgamation.drawing import Drawing, Maps, first_answer
from workers.methods.dual_gan_amalgamation.ground import Ground
from workers.methods.dual_gan_amalgamation.maths import agreement_loss
from workers.methods.dual_gan_amalgamation.networks import (
    Branch,
    BranchedStudent,
    Filter,
    TaskPick,
)
from workers.programs import Program

_RUNNING, _HELD_OUT = "block_loss", "held_out_loss"
_SHARE = 0.1

Losses = Float[Tensor, " teacher"]
Memory = MutableMapping[str, Tensor]


class Dual:
    """The dual generator: the student's blocks with their filters.

    Attributes:
        count: Number of blocks.
        networks: All filters; the blocks are the student's.
    """

    def __init__(self, ground: Ground, drawing: Drawing) -> None:
        self._ground, self._panel, self._drawing = ground, ground.panel, drawing
        self._blocks, self._rests = drawing.blocks, drawing.rests
        self._head = ground.student.head
        self.count = len(self._blocks)
        places, teachers = range(self.count - 1), range(len(self._rests))
        self._filters = [[self._made_filter(place, one) for one in teachers] for place in places]
        self._picks = [[self._made_pick(one) for one in teachers] for _ in places]
        self._links = [self._made_link(place) for place in places]
        self.networks: dict[str, nn.Module] = {
            "branch_filters": nn.ModuleList(map(nn.ModuleList, self._filters)),
            "picks": nn.ModuleList(map(nn.ModuleList, self._picks)),
            "links": nn.ModuleList(self._links),
        }
        for network in self.networks.values():
            network.to(ground.device)

    def _made_filter(self, place: int, number: int) -> Filter:
        shape = self._rests[number][place].input_shape
        channels, kind = self._drawing.shapes[place][0], self._ground.params.teacher_filter
        return Filter(channels, shape, kind, self._ground.generator)

    def _made_pick(self, number: int) -> TaskPick:
        return TaskPick(self._panel.head.output_columns(number), self._ground.params.task_filter)

    def _made_link(self, place: int) -> Filter:
        """From the generator's map between blocks to the student's."""
        channels = self._rests[0][place].input_shape[0]
        shape = self._drawing.shapes[place]
        return Filter(channels, shape, TeacherFilter.NONE, self._ground.generator)

    def memory(self) -> dict[str, Tensor]:
        """Branch losses while learning, and on images that were not learned from; by block."""
        size = (self.count, len(self._rests))
        return {_RUNNING: torch.zeros(size), _HELD_OUT: torch.zeros(size)}

    def learning(self, number: int) -> list[nn.Module]:
        """What learns with a block, counted from 1: its filters, or the head with the last."""
        found: list[nn.Module] = [self._blocks[number - 1]]
        if number > 1:
            found.append(self._links[number - 2])
        if number == self.count:
            return [*found, self._head]
        return [*found, *self._filters[number - 1], *self._picks[number - 1]]

    def block_losses(self, number: int, maps: Maps) -> Losses:
        """Every teacher's branch loss of a block, the mean over both streams.

        One stream is what the blocks before make of the images, the other what the generator has
        at that depth. Source: Ye et al. 2020, L_u.

        Args:
            maps: What the generator's groups put out, images last; images alone make one stream.
        """
        answers, streams = self._answers(maps[-1]), [self._up_to(number - 1, maps[-1])]
        if number > 1 and len(maps) == self.count:
            streams.append(self._links[number - 2](maps[self.count - number]))
        put_out = self._blocks[number - 1].train()(torch.cat(streams))
        twice = [torch.cat([one] * len(streams)) for one in answers]
        self._head.train()
        return self._branch_losses(number, put_out, twice)

    def _answers(self, images: Tensor) -> list[Tensor]:
        with torch.no_grad():
            return self._panel.answers(images)

    def _up_to(self, number: int, images: Tensor) -> Tensor:
        """What so many blocks make of images; they are at rest and stay as they are."""
        value = images
        with torch.no_grad():
            for block in self._blocks[:number]:
                value = block.eval()(value)
        return value

    def _branch_losses(self, number: int, put_out: Tensor, answers: Sequence[Tensor]) -> Losses:
        """What each teacher's later blocks, or the head, are off with this block's maps."""
        task, head = self._panel.task, self._panel.head
        if number == self.count:
            return self._label_losses(self._head(put_out), answers)
        found = []
        for teacher, rests in enumerate(self._rests):
            told = answers[teacher][:, head.output_columns(teacher)]
            said = self._said(number, teacher, put_out, rests[number - 1])
            found.append(agreement_loss(said, told, task))
        return torch.stack(found)

    def _said(self, number: int, teacher: int, put_out: Tensor, rest: Program) -> Tensor:
        fitted = self._filters[number - 1][teacher](put_out)
        said: Tensor = self._picks[number - 1][teacher](first_answer(rest, fitted))
        return said

    def _label_losses(self, said: Tensor, answers: Sequence[Tensor]) -> Losses:
        """For each teacher what the student is off on its labels."""
        told, head = self._panel.labels_told(answers), self._panel.head
        places = [head.label_indices(number) for number in range(len(self._rests))]
        return torch.stack(
            [agreement_loss(said[:, one], told[:, one], self._panel.task) for one in places]
        )

    def remember(self, memory: Memory, number: int, losses: Losses) -> None:
        """Keep the branch losses of a block, as a moving average."""
        table = memory[_RUNNING].clone()
        share = _SHARE if bool(table[number - 1].any()) else 1.0
        table[number - 1] = torch.lerp(table[number - 1], losses.cpu(), share)
        memory[_RUNNING] = table

    def head_loss(self, images: Tensor) -> Tensor:
        """Of the head alone, on blocks at rest."""
        put_out = self._up_to(self.count, images)
        return self._label_losses(self._head.train()(put_out), self._answers(images)).mean()

    def whole_loss(self, images: Tensor) -> Tensor:
        """Of the student from end to end."""
        said = self._ground.student.train()(images)
        return self._label_losses(said, self._answers(images)).mean()

    def held_out(self, memory: Memory, images: Tensor) -> Float[Tensor, "block teacher"]:
        """Branch losses of all blocks at rest on new images; they are added up in memory."""
        answers, value, found = self._answers(images), images, []
        with torch.no_grad():
            for number, block in enumerate(self._blocks, start=1):
                value = block.eval()(value)
                found.append(self._branch_losses(number, value, answers))
        table = torch.stack(found)
        memory[_HELD_OUT] = memory[_HELD_OUT] + table.cpu()
        return table

    def places(self, memory: Mapping[str, Tensor]) -> list[int]:
        """For each teacher the block, from 1, that its branch leaves after; the last till known."""
        table = memory[_HELD_OUT]
        if not bool(table.any()):
            return [self.count] * table.shape[1]
        return [place + 1 for place in table.argmin(dim=0).tolist()]

    def branched(self, memory: Mapping[str, Tensor]) -> BranchedStudent:
        """A copy on the CPU of the blocks and of what follows where branches leave."""
        places = self.places(memory)
        branches = [
            None if place == self.count else self._branch(place, teacher)
            for teacher, place in enumerate(places)
        ]
        return BranchedStudent(
            [copy.deepcopy(one).cpu() for one in self._blocks],
            copy.deepcopy(self._head).cpu(),
            places,
            branches,
            labels=self._panel.head,
            task=self._panel.task,
        ).eval()

    def _branch(self, place: int, teacher: int) -> Branch:
        filtered = copy.deepcopy(self._filters[place - 1][teacher]).cpu()
        picked = copy.deepcopy(self._picks[place - 1][teacher]).cpu()
        return Branch(filtered, self._rests[teacher][place - 1], picked)
