"""The generator as a start from which a few steps lead to a batch of images.

Source: Fang et al. 2021 (FastDFKD), arXiv 2112.06253.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalogue.adversarial_distillation import MetaGradient
from service.core.manifest import TaskKind
from workers.methods.adversarial_distillation.game import Game, Worth
from workers.methods.adversarial_distillation.maths import drawn_labels
from workers.methods.adversarial_distillation.recipes import SECOND_MOMENT
from workers.torchkit.generators import ImageGenerator
from workers.torchkit.outcomes import noise


class Synthesis:
    """Batches of images, and what the generator learns by making them.

    Attributes:
        images: The best batch of the last call.
        parts: Its weighted losses by name.
    """

    def __init__(self, game: Game, worth: Worth, network: ImageGenerator, batch: int) -> None:
        self._game, self._worth, self._network, self._batch = game, worth, network, batch
        self.images = torch.empty(0)
        self.parts: dict[str, Tensor] = {}

    def lesson(self, generator: torch.Generator, *, adversarial: float) -> Tensor:
        """A loss whose gradient by the generator's weights is the meta-gradient.

        A copy of the generator and the noise take the inner steps; the copy's gradients are
        summed, or its way is taken as the gradient.
        """
        device = self._game.teacher.program.device
        copied = copy.deepcopy(self._network)
        z = noise(self._batch, copied.noise_units, generator, device).requires_grad_()
        asked, moved = self._asked(generator), list(copied.parameters())
        optimizer = self._optimizer(moved, z)
        summed = [torch.zeros_like(one) for one in moved]
        best = torch.inf
        for step in range(self._game.recipe.inner_steps):
            images = copied(z)
            parts = self._worth.of(images, asked=asked, adversarial=adversarial)
            loss = torch.stack(list(parts.values())).sum()
            worth = float(loss.detach())
            if step == 0 or worth < best:
                best, self.images, self.parts = worth, images.detach(), parts
            gradients = torch.autograd.grad(loss, [*moved, z])
            for one, gradient in zip([*moved, z], gradients, strict=True):
                one.grad = gradient
            torch._foreach_add_(summed, list(gradients[:-1]))
            optimizer.step()
        self._worth.remember()
        return self._surrogate(summed, moved)

    def _optimizer(self, moved: list[nn.Parameter], z: Tensor) -> torch.optim.Optimizer:
        recipe = self._game.recipe
        groups: list[dict[str, Any]] = [
            {"params": moved},
            {"params": [z], "lr": recipe.noise_rate},
        ]
        betas = (recipe.first_moment, SECOND_MOMENT)
        return torch.optim.Adam(groups, lr=recipe.generator_rate, betas=betas)

    def _asked(self, generator: torch.Generator) -> Tensor | None:
        """Equally likely labels where an image shows exactly one."""
        if self._game.teacher.task is not TaskKind.CLASSIFICATION:
            return None
        labels = len(self._game.teacher.classes)
        return drawn_labels(self._batch, labels, generator).to(self._game.teacher.program.device)

    def _surrogate(self, summed: Sequence[Tensor], moved: Sequence[Tensor]) -> Tensor:
        own = list(self._network.parameters())
        if self._game.recipe.meta_gradient is MetaGradient.REPTILE:
            summed = [(a - b).detach() for a, b in zip(own, moved, strict=True)]
        return torch.stack([(a * b).sum() for a, b in zip(own, summed, strict=True)]).sum()
