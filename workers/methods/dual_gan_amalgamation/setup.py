"""The common start of both recipes: needed teachers, a new student, noise."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalog.dual_gan_amalgamation import DualGanAmalgamationParams
from workers.methods.dual_gan_amalgamation.blocks import NotPartableError
from workers.methods.dual_gan_amalgamation.maths import cardinality, coverage
from workers.methods.dual_gan_amalgamation.teacher_panel import Panel, needed
from workers.torchkit.training.loop import Numbers
from workers.torchkit.training.students import (
    StudentNetwork,
    own_input,
    require_maps,
    student_network,
)
from workers.torchkit.training.task import DataFreeInputs, noise
from workers.torchkit.training.teachers import Head

_SHOWN = 64

Noise = Float[Tensor, "image unit"]


def with_needed(
    inputs: DataFreeInputs, params: DualGanAmalgamationParams
) -> tuple[DataFreeInputs, tuple[int, ...]]:
    """The inputs with only the needed teachers, and the original indices of these.

    Raises:
        NotTeachableError: No teacher has one of the labels, or tasks differ.
        NotPartableError: Cuts are set, but not for every teacher.
    """
    if params.cuts is not None and len(params.cuts) != len(inputs.teachers):
        raise NotPartableError(
            f"cuts lists {len(params.cuts)} teachers, but there are {len(inputs.teachers)}",
            remedy="list the layers of every teacher, in their order, or omit cuts",
        )
    numbers = needed(inputs.teachers, params.student.labels)
    return replace(inputs, teachers=tuple(inputs.teachers[number] for number in numbers)), numbers


@dataclass(frozen=True)
class Setup:
    """Teachers, the student, and the source of all randomness."""

    panel: Panel
    student: StudentNetwork
    params: DualGanAmalgamationParams
    generator: torch.Generator

    @property
    def device(self) -> torch.device:
        """The device of all networks."""
        return self.panel.teachers[0].program.device

    @property
    def trained_on(self) -> str:
        """Description of the training data."""
        names = ", ".join(teacher.name for teacher in self.panel.teachers)
        return f"outputs of {names} on images generated from noise"

    def noise(self) -> Noise:
        """Noise (image, unit) for a batch."""
        size, units = self.params.batch_size, self.params.noise_units
        return noise(size, units, self.generator, self.device)

    def shown_noise(self) -> Noise:
        """The same noise every time, with its own seed, for pictures and numbers."""
        generator = torch.Generator().manual_seed(self.params.seed + 1)
        return noise(_SHOWN, self.params.noise_units, generator, self.device)

    def numbers(self, images: Tensor) -> Numbers:
        """Label coverage of generated images, and for multi-label tasks the labels per image."""
        with torch.no_grad():
            label_logits = self.panel.label_logits(self.panel.logits(images))
        numbers = {"label_coverage": coverage(label_logits, self.panel.task)}
        return (
            numbers | {"cardinality": cardinality(label_logits)} if self.panel.several else numbers
        )


def setup_for(inputs: DataFreeInputs, params: DualGanAmalgamationParams) -> Setup:
    """Panel, student and generator before the first step.

    Args:
        inputs: With only the needed teachers.

    Raises:
        BadStudentError: The student has no inner maps, or its initial weights do not fit.
    """
    first = inputs.teachers[0]
    head = Head.of(inputs.teachers, params.student.labels)
    spec = own_input(first.input, params.student)
    generator = torch.Generator().manual_seed(params.seed)
    student = student_network(
        params.student, spec, labels=len(head.labels), generator=generator, start=inputs.start
    )
    panel = Panel(inputs.teachers, head, spec, params.shared_labels)
    return Setup(panel, require_maps(student).to(first.program.device), params, generator)
