"""Frozen networks that teach, the labels they know, and what a student's outputs stand for."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from service.core.errors import MethodError
from service.core.manifest import ChannelOrder, InputSpec, TaskKind
from workers.programs import Program
from workers.torchkit.canonical import Preprocessing, luma, resize, to_network_input


class NotTeachableError(MethodError):
    """Teachers, labels and student do not go together."""

    code = "not_teachable"


@dataclass(frozen=True)
class Teacher:
    """A network of the zoo that answers and never changes.

    Attributes:
        classes: What its outputs stand for, in order; made up where nobody told.
    """

    id: str
    name: str
    program: Program
    input: InputSpec
    task: TaskKind
    classes: tuple[str, ...]

    def answer(self, images: Float[Tensor, "image channel row column"]) -> Tensor:
        """Logits of images in the teacher's own input space; gradients flow back to them."""
        answers = self.program(images)
        return answers[0] if isinstance(answers, tuple) else answers

    def of_frames(self, frames: Tensor) -> Float[Tensor, "image channel row column"]:
        """Canonical frames as this network takes them, on its device."""
        return to_network_input(frames, Preprocessing.of(self.input)).to(self.program.device)


@dataclass(frozen=True)
class Column:
    """An output of a teacher that a student learns, and the place of its label."""

    teacher: int
    column: int
    label: int


@dataclass(frozen=True)
class Head:
    """What a student's outputs stand for, and where each is taught.

    A label that several teachers know has one place and several columns.
    """

    labels: tuple[str, ...]
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, teachers: Sequence[Teacher], labels: Sequence[str] | None = None) -> "Head":
        """All labels of the teachers in their order, or these alone.

        Raises:
            NotTeachableError: No teacher knows one of ``labels``, or one is given twice.
        """
        known = list(dict.fromkeys(name for one in teachers for name in one.classes))
        wanted = known if labels is None else list(labels)
        unknown = sorted(set(wanted) - set(known))
        if unknown or len(set(wanted)) != len(wanted):
            raise NotTeachableError(
                f"labels that no teacher knows: {unknown[:5]}"
                if unknown
                else "a label is repeated",
                remedy="choose among the teachers' classes, each once",
            )
        place = {name: number for number, name in enumerate(wanted)}
        columns = tuple(
            Column(number, column, place[name])
            for number, one in enumerate(teachers)
            for column, name in enumerate(one.classes)
            if name in place
        )
        return cls(tuple(wanted), columns)

    def taught_by(self, teacher: int) -> list[Column]:
        """The columns of one teacher, in its order."""
        return [one for one in self.columns if one.teacher == teacher]

    def places_of(self, teacher: int) -> Int64[Tensor, " column"]:
        """Places of the teacher's labels among the student's outputs."""
        return torch.tensor([one.label for one in self.taught_by(teacher)], dtype=torch.int64)

    def columns_of(self, teacher: int) -> Int64[Tensor, " column"]:
        """Which outputs of the teacher are wanted."""
        return torch.tensor([one.column for one in self.taught_by(teacher)], dtype=torch.int64)


def stacked(answers: Sequence[Tensor], head: Head) -> Tensor:
    """Wanted columns of all teachers side by side, in the order of ``head.columns``."""
    parts = [
        one.index_select(1, head.columns_of(number).to(one.device))
        for number, one in enumerate(answers)
    ]
    return torch.cat(parts, dim=1)


def merged(columns: Tensor, head: Head) -> Tensor:
    """Stacked columns by label: of the columns of one label the largest counts."""
    places = torch.tensor([one.label for one in head.columns], device=columns.device)
    shape = (columns.shape[0], len(head.labels), *columns.shape[2:])
    index = places.view(1, -1, *[1] * (columns.ndim - 2)).expand_as(columns)
    empty = columns.new_full(shape, -torch.inf)
    return empty.scatter_reduce(1, index, columns, reduce="amax")


def seen_by(
    images: Float[Tensor, "image channel row column"], own: InputSpec, other: InputSpec
) -> Float[Tensor, "image other height width"]:
    """Images of one network's input space in another's; gradients flow back.

    Colors are undone to red, green and blue in [0, 1], then size, channels and normalization of
    the other are applied. Gray stands for three equal colors; images of the right space are
    handed on as they are.
    """
    if own == other:
        return images
    return _normalized(resize(in_color(images, own), (other.height, other.width)), other)


def in_color(images: Tensor, spec: InputSpec) -> Float[Tensor, "image 3 row column"]:
    """Red, green and blue in [0, 1] of images in an input space; gradients flow back."""
    low, high = spec.range
    mean, std = (images.new_tensor(one).view(1, -1, 1, 1) for one in (spec.mean, spec.std))
    planes = (images * std + mean - low) / (high - low)
    if spec.channels == 1:
        return planes.expand(-1, 3, -1, -1)
    return planes.flip(1) if spec.channel_order is ChannelOrder.BGR else planes


def _normalized(planes: Tensor, spec: InputSpec) -> Tensor:
    low, high = spec.range
    if spec.channels == 1:
        planes = luma(planes)
    elif spec.channel_order is ChannelOrder.BGR:
        planes = planes.flip(1)
    mean, std = (planes.new_tensor(one).view(1, -1, 1, 1) for one in (spec.mean, spec.std))
    return (planes * (high - low) + low - mean) / std
