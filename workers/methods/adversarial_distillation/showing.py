"""What can be said about the images that a student learns from, without any image of a set."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from service.core.manifest import TaskKind
from workers.methods.adversarial_distillation.game import Game
from workers.methods.adversarial_distillation.maths import (
    Each,
    Logits,
    counted,
    decided,
    evenness,
    largest_share,
)
from workers.methods.adversarial_distillation.sources import Pool
from workers.torchkit.courses import Numbers
from workers.torchkit.generators import ImageGenerator
from workers.torchkit.sample_sheets import LARGEST_SHEET, sample_sheet

_BATCHES = 4


class Showing:
    """Numbers and a sheet of the same few batches: noise that never changes, or the newest pool.

    Args:
        network: Draws the batches, from noise of a seed of its own.
        pool: Taken instead, where the student learns from nothing else.
    """

    def __init__(
        self, game: Game, network: ImageGenerator, pool: Pool | None, *, batch: int, seed: int
    ) -> None:
        self._game, self._network, self._pool, self._batch = game, network, pool, batch
        own = torch.Generator().manual_seed(seed)
        self._noise = torch.randn(_BATCHES, batch, network.noise_units, generator=own)

    @torch.no_grad()
    def _batches(self) -> Iterator[Tensor]:
        device = self._game.teacher.program.device
        if self._pool is not None and len(self._pool) > 0:
            newest = self._pool.newest(_BATCHES * self._batch).to(device)
            yield from torch.split(newest, self._batch)
            return
        for one in self._noise:
            yield self._network(one.to(device))

    def sheet(self) -> bytes:
        """A PNG of up to 64 images."""
        images = [one.cpu() for one in self._batches()]
        return sample_sheet(torch.cat(images)[:LARGEST_SHEET], self._game.teacher.input)

    @torch.no_grad()
    def numbers(self) -> Numbers:
        """Shares from 0 to 1.

        ``generated_evenness``: entropy of the labels that the teacher names, over the largest
        possible; ``generated_largest_share``: of the commonest of them; ``generated_confidence``: the teacher's probability of its decisions;
        ``generated_agreement``: equal decisions of teacher and student; with labels that may be
        there or not ``generated_labels``: share of the labels found in an image.
        """
        game, told, alike = self._game, [], []
        with game.student_at_rest():
            for images in self._batches():
                answers = game.teacher.answer(images)
                alike.append(game.agreed(game.said(images), game.wanted(answers)).cpu())
                told.append(answers.cpu())
        return {"generated_agreement": float(torch.cat(alike).mean())} | _seen(
            told, game.teacher.task
        )


def _seen(told: Sequence[Logits], task: TaskKind) -> Numbers:
    answers = torch.cat(list(told))
    named = decided(answers, task)
    counts = counted(named, answers.shape[1], task)
    found = {
        "generated_evenness": evenness(counts),
        "generated_largest_share": largest_share(counts),
        "generated_confidence": float(_confidence(answers, task).mean()),
    }
    if task is TaskKind.MULTI_LABEL:
        found["generated_labels"] = float(named.mean())
    return found


def _confidence(answers: Logits, task: TaskKind) -> Each:
    if task is TaskKind.MULTI_LABEL:
        return answers.abs().sigmoid().mean(dim=1)
    return answers.softmax(dim=1).amax(dim=1).unsqueeze(-1).flatten(1).mean(dim=1)
