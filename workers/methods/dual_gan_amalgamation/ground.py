"""What both recipes start from: the teachers that are needed, a fresh student, noise."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalogue.dual_gan_amalgamation import DualGanAmalgamationParams
from workers.methods.dual_gan_amalgamation.blocks import NotPartableError
from workers.methods.dual_gan_amalgamation.maths import cardinality, coverage
from workers.methods.dual_gan_amalgamation.panel import Panel, needed
from workers.torchkit.courses import Numbers
from workers.torchkit.outcomes import Alone, noise
from workers.torchkit.students import StudentNetwork, own_input, require_maps, student_network
from workers.torchkit.teachers import Head

_SHOWN = 64

Noise = Float[Tensor, "image unit"]


def with_needed(inputs: Alone, params: DualGanAmalgamationParams) -> tuple[Alone, tuple[int, ...]]:
    """The inputs without teachers that know no wanted label, and the numbers of those that stay.

    Raises:
        NotTeachableError: No teacher knows one of the labels, or tasks do not go together.
        NotPartableError: Cuts are given, but not for every teacher.
    """
    if params.cuts is not None and len(params.cuts) != len(inputs.teachers):
        raise NotPartableError(
            f"cuts are given for {len(params.cuts)} of {len(inputs.teachers)} teachers",
            remedy="list the layers of every teacher, in their order, or leave cuts out",
        )
    kept = needed(inputs.teachers, params.student.labels)
    return replace(inputs, teachers=tuple(inputs.teachers[one] for one in kept)), kept


@dataclass(frozen=True)
class Ground:
    """Teachers, the student to be, and the source of all randomness."""

    panel: Panel
    student: StudentNetwork
    params: DualGanAmalgamationParams
    generator: torch.Generator

    @property
    def device(self) -> torch.device:
        """Where everything happens."""
        return self.panel.teachers[0].program.device

    @property
    def heard(self) -> str:
        """What the student was trained on, in words."""
        names = ", ".join(one.name for one in self.panel.teachers)
        return f"answers of {names} to images drawn from noise"

    def noise(self) -> Noise:
        """For a batch."""
        size, units = self.params.batch_size, self.params.noise_units
        return noise(size, units, self.generator, self.device)

    def shown_noise(self) -> Noise:
        """The same every time, of a source of its own: for pictures and figures on the way."""
        own = torch.Generator().manual_seed(self.params.seed + 1)
        return noise(_SHOWN, self.params.noise_units, own, self.device)

    def numbers(self, images: Tensor) -> Numbers:
        """How evenly labels are spread over drawn images, and how many there are on one."""
        with torch.no_grad():
            told = self.panel.labels_told(self.panel.answers(images))
        found = {"label_coverage": coverage(told, self.panel.task)}
        return found | {"cardinality": cardinality(told)} if self.panel.several else found


def ground_of(inputs: Alone, params: DualGanAmalgamationParams) -> Ground:
    """Everything before the first step.

    Args:
        inputs: With the needed teachers alone.

    Raises:
        BadStudentError: The student's maps cannot be read, or it cannot start as asked.
    """
    first = inputs.teachers[0]
    head = Head.of(inputs.teachers, params.student.labels)
    spec = own_input(first.input, params.student)
    drawn = torch.Generator().manual_seed(params.seed)
    student = student_network(
        params.student, spec, labels=len(head.labels), generator=drawn, start=inputs.start
    )
    panel = Panel(inputs.teachers, head, spec)
    return Ground(panel, require_maps(student).to(first.program.device), params, drawn)
