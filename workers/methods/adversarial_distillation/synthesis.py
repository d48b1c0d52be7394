"""Meta-learning of the generator as an initialization for a few synthesis steps.

Source: Fang et al. 2021 (FastDFKD), arXiv 2112.06253.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalog.adversarial_distillation import MetaGradient
from service.core.manifest import TaskKind
from workers.methods.adversarial_distillation.adversarial_step import (
    AdversarialStep,
    GeneratorLoss,
)
from workers.methods.adversarial_distillation.maths import drawn_labels
from workers.methods.adversarial_distillation.recipes import SECOND_MOMENT
from workers.torchkit.training.generators import ImageGenerator
from workers.torchkit.training.task import noise


class Synthesis:
    """Synthesis of image batches, and the generator's meta-loss.

    Attributes:
        images: The best batch of the last call.
        parts: Weighted losses of that batch by name.
    """

    def __init__(
        self, game: AdversarialStep, worth: GeneratorLoss, network: ImageGenerator, batch: int
    ) -> None:
        self._game, self._worth, self._network, self._batch = game, worth, network, batch
        self.images = torch.empty(0)
        self.parts: dict[str, Tensor] = {}

    def meta_loss(self, generator: torch.Generator, *, adversarial: float) -> Tensor:
        """A loss whose gradient with respect to the generator's weights is the meta-gradient.

        A copy of the generator and the noise take the inner steps. The meta-gradient is the sum
        of the copy's gradients (first order) or the copy's displacement (Reptile).
        """
        device = self._game.teacher.program.device
        copied = copy.deepcopy(self._network)
        noise_vectors = noise(self._batch, copied.noise_units, generator, device).requires_grad_()
        requested_labels, copied_parameters = (
            self._requested_labels(generator),
            list(copied.parameters()),
        )
        optimizer = self._optimizer(copied_parameters, noise_vectors)
        summed_gradients = [torch.zeros_like(parameter) for parameter in copied_parameters]
        best = torch.inf
        for step in range(self._game.recipe.inner_steps):
            images = copied(noise_vectors)
            parts = self._worth.of(
                images, requested_labels=requested_labels, adversarial=adversarial
            )
            loss = torch.stack(list(parts.values())).sum()
            loss_value = float(loss.detach())
            if step == 0 or loss_value < best:
                best, self.images, self.parts = loss_value, images.detach(), parts
            gradients = torch.autograd.grad(loss, [*copied_parameters, noise_vectors])
            for parameter, gradient in zip(
                [*copied_parameters, noise_vectors], gradients, strict=True
            ):
                parameter.grad = gradient
            # First-order MAML: the copy's gradients stand for those of the initialization, so no
            # graph runs through the inner steps.
            torch._foreach_add_(summed_gradients, list(gradients[:-1]))
            optimizer.step()
        self._worth.remember()
        return self._surrogate(summed_gradients, copied_parameters)

    def _optimizer(
        self, copied_parameters: list[nn.Parameter], noise_vectors: Tensor
    ) -> torch.optim.Optimizer:
        recipe = self._game.recipe
        groups: list[dict[str, Any]] = [
            {"params": copied_parameters},
            {"params": [noise_vectors], "lr": recipe.noise_learning_rate},
        ]
        betas = (recipe.first_moment, SECOND_MOMENT)
        return torch.optim.Adam(groups, lr=recipe.generator_learning_rate, betas=betas)

    def _requested_labels(self, generator: torch.Generator) -> Tensor | None:
        """Uniformly random labels for classification, else None."""
        if self._game.teacher.task is not TaskKind.CLASSIFICATION:
            return None
        labels = len(self._game.teacher.classes)
        return drawn_labels(self._batch, labels, generator).to(self._game.teacher.program.device)

    def _surrogate(
        self, gradients: Sequence[Tensor], copied_parameters: Sequence[Tensor]
    ) -> Tensor:
        parameters = list(self._network.parameters())
        if self._game.recipe.meta_gradient is MetaGradient.REPTILE:
            gradients = [
                (parameter - copied_parameter).detach()
                for parameter, copied_parameter in zip(parameters, copied_parameters, strict=True)
            ]
        # d/dθ Σ θ·g = g for fixed g: so any optimizer can apply the meta-gradient.
        return torch.stack(
            [
                (parameter * gradient).sum()
                for parameter, gradient in zip(parameters, gradients, strict=True)
            ]
        ).sum()
