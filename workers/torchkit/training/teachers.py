"""Frozen teachers, their labels, and the meaning of a student's outputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from service.core.errors import MethodError
from service.core.manifest import ChannelOrder, InputSpec, TaskKind
from workers.programs import Program
from workers.torchkit.attribution.canonical import luma, resize
from workers.torchkit.training.frame_batch import FrameBatch


class NotTeachableError(MethodError):
    """Teachers, labels and student do not match."""

    code = "unsupported_teachers"


@dataclass(frozen=True)
class Teacher:
    """A frozen network of the zoo that provides training targets.

    Attributes:
        classes: Labels of its outputs, in order; generated names if the manifest has none.
    """

    id: str
    name: str
    program: Program
    input: InputSpec
    task: TaskKind
    classes: tuple[str, ...]

    def answer(self, images: Float[Tensor, "image channel row column"]) -> Tensor:
        """Logits of images in the teacher's input space; differentiable in the images."""
        outputs = self.program(images)
        return outputs[0] if isinstance(outputs, tuple) else outputs

    def of_frames(self, frames: Tensor) -> Float[Tensor, "image channel row column"]:
        """Canonical frames as inputs of this network, on its device."""
        return self.of_batch(FrameBatch(frames))

    def of_batch(self, batch: FrameBatch) -> Float[Tensor, "image channel row column"]:
        """A batch that other networks read too, as inputs of this network, on its device."""
        return batch.of(self.input).to(self.program.device)


@dataclass(frozen=True)
class TeacherOutput:
    """A teacher's output that a student learns, and the index of its label in the head."""

    teacher: int
    column: int
    label: int


@dataclass(frozen=True)
class Head:
    """The labels of a student's outputs, and the teacher outputs that teach each.

    A label of several teachers has one index and several columns.
    """

    labels: tuple[str, ...]
    columns: tuple[TeacherOutput, ...]

    @classmethod
    def of(cls, teachers: Sequence[Teacher], labels: Sequence[str] | None = None) -> "Head":
        """The head for all labels of the teachers in order, or only for ``labels``.

        Raises:
            NotTeachableError: No teacher has one of ``labels``, or a label is repeated.
        """
        all_labels = list(dict.fromkeys(name for teacher in teachers for name in teacher.classes))
        selected = all_labels if labels is None else list(labels)
        unknown = sorted(set(selected) - set(all_labels))
        if unknown or len(set(selected)) != len(selected):
            raise NotTeachableError(
                f"no teacher has the labels {unknown[:5]}" if unknown else "a label is repeated",
                remedy="choose from the teachers' classes, each at most once",
            )
        index = {name: number for number, name in enumerate(selected)}
        columns = tuple(
            TeacherOutput(number, column, index[name])
            for number, teacher in enumerate(teachers)
            for column, name in enumerate(teacher.classes)
            if name in index
        )
        return cls(tuple(selected), columns)

    def of_selected_outputs(self) -> "Head":
        """The same head for teachers that have only their learned outputs, in their order."""
        counts = [0] * (1 + max(column.teacher for column in self.columns))
        columns = []
        for column in self.columns:
            columns.append(TeacherOutput(column.teacher, counts[column.teacher], column.label))
            counts[column.teacher] += 1
        return Head(self.labels, tuple(columns))

    def columns_for(self, teacher: int) -> list[TeacherOutput]:
        """The columns of one teacher, in the order of its outputs."""
        return [column for column in self.columns if column.teacher == teacher]

    def label_indices(self, teacher: int) -> Int64[Tensor, " column"]:
        """Indices of the teacher's labels among the student's outputs."""
        return torch.tensor(
            [column.label for column in self.columns_for(teacher)], dtype=torch.int64
        )

    def output_columns(self, teacher: int) -> Int64[Tensor, " column"]:
        """Indices of the teacher's outputs that the student learns."""
        return torch.tensor(
            [column.column for column in self.columns_for(teacher)], dtype=torch.int64
        )


def to_input_space(
    images: Float[Tensor, "image channel row column"], source: InputSpec, target: InputSpec
) -> Float[Tensor, "image other height width"]:
    """Images of one network's input space in that of another; differentiable.

    Images are converted back to RGB in [0, 1], then resized and normalized for ``target``. One
    channel counts as three equal ones. If both spaces agree, the images are returned unchanged.
    """
    if source == target:
        return images
    return _normalized(resize(in_color(images, source), (target.height, target.width)), target)


def in_color(images: Tensor, spec: InputSpec) -> Float[Tensor, "image 3 row column"]:
    """RGB in [0, 1] of images in an input space; differentiable."""
    low, high = spec.range
    mean, std = (images.new_tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
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
    mean, std = (planes.new_tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return (planes * (high - low) + low - mean) / std
