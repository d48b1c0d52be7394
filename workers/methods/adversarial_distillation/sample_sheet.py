"""Numbers and pictures about generated images, computed without real images."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from service.core.manifest import TaskKind
from workers.methods.adversarial_distillation.adversarial_step import AdversarialStep
from workers.methods.adversarial_distillation.maths import (
    Each,
    Logits,
    counted,
    decided,
    evenness,
    largest_share,
)
from workers.methods.adversarial_distillation.sources import Pool
from workers.torchkit.drawing.sample_sheets import LARGEST_SHEET, sample_sheet
from workers.torchkit.training.generators import ImageGenerator
from workers.torchkit.training.loop import Numbers

_BATCHES = 4


class SampleSheet:
    """Numbers and a sheet of a few batches: from fixed noise, or the newest images of the pool.

    Args:
        network: Generates the batches from noise with its own seed.
        pool: Used instead if the student learns only from the pool.
    """

    def __init__(
        self,
        adversarial_step: AdversarialStep,
        network: ImageGenerator,
        pool: Pool | None,
        *,
        batch: int,
        seed: int,
    ) -> None:
        self._adversarial_step, self._network, self._pool, self._batch = (
            adversarial_step,
            network,
            pool,
            batch,
        )
        generator = torch.Generator().manual_seed(seed)
        self._noise = torch.randn(_BATCHES, batch, network.noise_units, generator=generator)

    @torch.no_grad()
    def _batches(self) -> Iterator[Tensor]:
        device = self._adversarial_step.teacher.program.device
        if self._pool is not None and len(self._pool) > 0:
            newest = self._pool.newest(_BATCHES * self._batch).to(device)
            yield from torch.split(newest, self._batch)
            return
        for batch_noise in self._noise:
            yield self._network(batch_noise.to(device))

    def sheet(self) -> bytes:
        """A PNG of up to 64 generated images."""
        images = [batch.cpu() for batch in self._batches()]
        return sample_sheet(
            torch.cat(images)[:LARGEST_SHEET], self._adversarial_step.teacher.input
        )

    @torch.no_grad()
    def numbers(self) -> Numbers:
        """Shares from 0 to 1.

        ``generated_evenness``: entropy of the teacher's decisions over its maximum;
        ``generated_largest_share``: share of the most common decision;
        ``generated_confidence``: the teacher's probability of its decisions;
        ``generated_agreement``: equal decisions of teacher and student; for multi-label tasks
        ``generated_labels``: share of labels present per image.
        """
        adversarial_step, teacher_logits, agreements = self._adversarial_step, [], []
        with adversarial_step.student_at_rest():
            for images in self._batches():
                batch_logits = adversarial_step.teacher.answer(images)
                agreements.append(
                    adversarial_step.agreement(
                        adversarial_step.student_logits(images),
                        adversarial_step.selected_logits(batch_logits),
                    ).cpu()
                )
                teacher_logits.append(batch_logits.cpu())
        return {"generated_agreement": float(torch.cat(agreements).mean())} | _label_numbers(
            teacher_logits, adversarial_step.teacher.task
        )


def _label_numbers(logits_of_batches: Sequence[Logits], task: TaskKind) -> Numbers:
    teacher_logits = torch.cat(list(logits_of_batches))
    decisions = decided(teacher_logits, task)
    counts = counted(decisions, teacher_logits.shape[1], task)
    numbers = {
        "generated_evenness": evenness(counts),
        "generated_largest_share": largest_share(counts),
        "generated_confidence": float(_confidence(teacher_logits, task).mean()),
    }
    if task is TaskKind.MULTI_LABEL:
        numbers["generated_labels"] = float(decisions.mean())
    return numbers


def _confidence(logits: Logits, task: TaskKind) -> Each:
    if task is TaskKind.MULTI_LABEL:
        return logits.abs().sigmoid().mean(dim=1)
    return logits.softmax(dim=1).amax(dim=1).unsqueeze(-1).flatten(1).mean(dim=1)
