"""Adversarial distillation as its published scripts run it, reimplemented in plain torch.

What the scripts do and the service does not: the teacher's parameters ask for gradients, which
pile up in it; both networks' parameter gradients are computed in the generator's step and thrown
away; images that are not learned from still have a graph; the student stays in training mode and
counts the generator's images into its batch statistics; the last normalization of the generator
keeps running values.

Source: Fang et al. 2019 (DFAD), arXiv 1912.11006, and its public scripts.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.manifest import InputSpec

Share = Callable[[float], float]


class PublishedGenerator(nn.Module):
    """Noise (image, unit) to images whose every channel has mean 0 and deviation 1 over a batch."""

    def __init__(self, units: int, width: int, *, side: int, channels: int) -> None:
        super().__init__()
        self.units = units
        self._shape = (2 * width, side // 4, side // 4)
        self.start = nn.Linear(units, 2 * width * (side // 4) ** 2)
        self.body = nn.Sequential(
            nn.BatchNorm2d(2 * width),
            *_doubled(2 * width, 2 * width),
            *_doubled(2 * width, width),
            nn.Conv2d(width, channels, 3, padding=1),
            nn.Tanh(),
            nn.BatchNorm2d(channels, affine=False),
        )

    @classmethod
    def fresh(cls, spec: InputSpec, *, units: int, width: int, seed: int) -> "PublishedGenerator":
        """One with weights of the seed, for this input; sides are multiples of 4."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(units, width, side=spec.height, channels=spec.channels)

    def forward(self, noise: Tensor) -> Tensor:
        """Images."""
        images: Tensor = self.body(self.start(noise).view(-1, *self._shape))
        return images


def _doubled(before: int, width: int) -> list[nn.Module]:
    convolution = nn.Conv2d(before, width, 3, padding=1)
    return [nn.Upsample(scale_factor=2), convolution, nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]


@dataclass(frozen=True)
class Rates:
    """Of both optimizers: SGD with momentum 0.9 for the student, Adam for the generator."""

    student: float
    weight_decay: float = 5e-4
    generator: float = 1e-3


class PublishedGame:
    """Teacher, student and generator as modules, and one outer iteration after the other."""

    def __init__(
        self, teacher: nn.Module, student: nn.Module, generator: PublishedGenerator, rates: Rates
    ) -> None:
        self._teacher, self._student, self._generator = teacher.eval(), student, generator
        self._rates = rates
        self._optimizers = (
            torch.optim.SGD(
                student.parameters(),
                lr=rates.student,
                momentum=0.9,
                weight_decay=rates.weight_decay,
            ),
            torch.optim.Adam(generator.parameters(), lr=rates.generator),
        )

    def turn(self, *, batch: int, imitations: int = 5, share: float = 1.0) -> None:
        """Five steps of the student on fresh images, one of the generator.

        Args:
            share: Of the peak rates.
        """
        mine, theirs = self._optimizers
        mine.param_groups[0]["lr"] = share * self._rates.student
        theirs.param_groups[0]["lr"] = share * self._rates.generator
        self._student.train()
        self._generator.train()
        for _ in range(imitations):
            mine.zero_grad()
            images = self._drawn(batch).detach()
            teacher_logits = self._teacher(images)
            _descend(functional.l1_loss(self._student(images), teacher_logits.detach()), mine)
        theirs.zero_grad()
        images = self._drawn(batch)
        teacher_logits, student_logits = self._teacher(images), self._student(images)
        _descend(-functional.l1_loss(student_logits, teacher_logits), theirs)

    def _drawn(self, batch: int) -> Tensor:
        images: Tensor = self._generator(torch.randn(batch, self._generator.units))
        return images


def _descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
