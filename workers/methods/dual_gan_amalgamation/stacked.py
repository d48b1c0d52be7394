"""``dfka``: train the images, then the student block by block, then the whole student."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalog.dual_gan_amalgamation import Regroup
from workers.methods.dual_gan_amalgamation.dual import DualLearner
from workers.methods.dual_gan_amalgamation.parts import GeneratorParts, Maps
from workers.methods.dual_gan_amalgamation.recipes import recipe_for
from workers.methods.dual_gan_amalgamation.setup import Setup
from workers.methods.dual_gan_amalgamation.teacher_panel import ImagePrior
from workers.torchkit.drawing.sample_sheets import sample_sheet
from workers.torchkit.training.loop import (
    Numbers,
    OptimizerGroup,
    Training,
    TrainingStage,
    TrainingStep,
    cosine,
)

SAMPLES = "samples.png"
_BETAS = (0.5, 0.999)
_IMAGES, _BLOCK, _HEAD, _TOGETHER = 2.0, 1.0, 0.5, 1.5
_BRANCHES = 0.25


class StackedLearner:
    """Teachers, generator and dual generator, and the stages of their training."""

    def __init__(self, setup: Setup, numbers: Sequence[int]) -> None:
        self._setup, self._params = setup, setup.params
        self._panel, self._recipe = setup.panel, recipe_for(setup.params, setup.panel.teachers)
        self.spec, self.head = setup.panel.spec, setup.panel.head
        self.task, self.trained_on = setup.panel.task, setup.trained_on
        self._parts = GeneratorParts(setup, numbers)
        self._dual = DualLearner(setup, self._parts)
        networks: dict[str, nn.Module] = {"student": setup.student}
        networks |= self._parts.networks | self._dual.networks
        self.training = Training(networks, setup.generator)
        self.training.memory |= self._dual.memory()
        self._prior = ImagePrior(self._panel, self._params, self._recipe)

    @property
    def student(self) -> nn.Module:
        """The student in its current state."""
        if self._params.regroup is Regroup.BRANCHED:
            return self._dual.branched(self.training.memory)
        return self._setup.student

    def stages(self) -> Sequence[TrainingStage]:
        """Stages for images, every block, and the branches or the whole student."""
        blocks = [
            TrainingStage(f"block {number}", _BLOCK, partial(self._begin_block, number))
            for number in range(1, self._dual.count + 1)
        ]
        stages = [TrainingStage("images", _IMAGES, self._begin_images), *blocks]
        if self._params.regroup is Regroup.BRANCHED:
            return [*stages, TrainingStage("branches", _BRANCHES, self._begin_branches)]
        head = TrainingStage("head", _HEAD, self._begin_head)
        return [*stages, head, TrainingStage("together", _TOGETHER, self._begin_together)]

    def numbers(self) -> Numbers:
        """Numbers about the generated images and the branches, for the curve."""
        numbers = self._setup.numbers(self._shown_images())
        if self._params.regroup is Regroup.BRANCHED:
            numbers["parameters"] = float(
                sum(parameter.numel() for parameter in self.student.parameters())
            )
            for number, exit_block in enumerate(self._dual.exits(self.training.memory), start=1):
                numbers[f"branch_{number}"] = float(exit_block)
        return numbers

    def recipe(self) -> Mapping[str, Any]:
        """Every value that the preset stands for."""
        return asdict(self._recipe)

    def pictures(self) -> Mapping[str, bytes]:
        """A sheet of generated images."""
        return {SAMPLES: sample_sheet(self._shown_images(), self.spec)}

    def _shown_images(self) -> Tensor:
        return self._parts.maps(self._setup.shown_noise())[-1]

    def _generated_maps(self) -> Maps:
        """Outputs of the generator's groups for new noise, images last."""
        return self._parts.maps(self._setup.noise())

    def _optimizer_groups(
        self, modules: Sequence[nn.Module], rate: float
    ) -> dict[str, OptimizerGroup]:
        parameters = [parameter for module in modules for parameter in module.parameters()]
        return {
            "own": OptimizerGroup(
                torch.optim.Adam(parameters, lr=rate, betas=_BETAS), rate, cosine
            )
        }

    def _begin_images(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        modules = list(self._parts.networks.values())
        return self._optimizer_groups(
            modules, self._params.generator_learning_rate
        ), self._image_step

    def _image_step(self) -> dict[str, Tensor]:
        """One step of the generator and of the teachers' filters."""
        maps = self._parts.stack(self._setup.noise())
        outputs = self._panel.outputs(maps[-1])
        parts = self._prior.of(outputs)
        if self._dual.count > 1:
            consistency = self._parts.consistency(maps, outputs.logits)
            parts["consistency"] = self._params.consistency_weight * consistency
        loss = self.training.learn("own", torch.stack(list(parts.values())).sum())
        return {"whole": loss} | {name: part.detach() for name, part in parts.items()}

    def _begin_block(self, number: int) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        modules = self._dual.learning(number)
        return self._optimizer_groups(modules, self._recipe.student_learning_rate), partial(
            self._block_step, number
        )

    def _block_step(self, number: int) -> dict[str, Tensor]:
        """One step of a block and its filters on both streams."""
        losses = self._dual.block_losses(number, self._generated_maps())
        loss = self.training.learn("own", losses.sum())
        self._dual.remember(self.training.memory, number, losses.detach())
        return {"block": loss}

    def _begin_head(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        head = self._setup.student.head
        return self._optimizer_groups([head], self._recipe.student_learning_rate), self._head_step

    def _head_step(self) -> dict[str, Tensor]:
        loss = self._dual.head_loss(self._generated_maps()[-1])
        return {"head": self.training.learn("own", loss)}

    def _begin_together(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        student = self._setup.student
        return self._optimizer_groups(
            [student], self._recipe.student_learning_rate
        ), self._whole_step

    def _whole_step(self) -> dict[str, Tensor]:
        loss = self._dual.whole_loss(self._generated_maps()[-1])
        return {"together": self.training.learn("own", loss)}

    def _begin_branches(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        return {}, self._branch_step

    def _branch_step(self) -> dict[str, Tensor]:
        """Branch losses on images on which no block was trained."""
        losses = self._dual.held_out(self.training.memory, self._generated_maps()[-1])
        return {"branch": losses.min(dim=0).values.sum()}
