"""``dfka``: train the images, then the student block by block, then the whole student."""

from collections.abc import Mapping, Sequence
from functools import partial

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
_LOOKING = 0.25


class StackedLearner:
    """Teachers, generator and dual generator, and the stages of their training."""

    def __init__(self, ground: Setup, numbers: Sequence[int]) -> None:
        self._ground, self._params = ground, ground.params
        self._panel, self._recipe = ground.panel, recipe_for(ground.params, ground.panel.teachers)
        self.spec, self.head = ground.panel.spec, ground.panel.head
        self.task, self.trained_on = ground.panel.task, ground.trained_on
        self._drawing = GeneratorParts(ground, numbers)
        self._dual = DualLearner(ground, self._drawing)
        networks: dict[str, nn.Module] = {"student": ground.student}
        networks |= self._drawing.networks | self._dual.networks
        self.training = Training(networks, ground.generator)
        self.training.memory |= self._dual.memory()
        self._prior = ImagePrior(self._panel, self._params, self._recipe)

    @property
    def student(self) -> nn.Module:
        """The student in its current state."""
        if self._params.regroup is Regroup.BRANCHED:
            return self._dual.branched(self.training.memory)
        return self._ground.student

    def stages(self) -> Sequence[TrainingStage]:
        """Stages for images, every block, and the branches or the whole student."""
        blocks = [
            TrainingStage(f"block {number}", _BLOCK, partial(self._begin_block, number))
            for number in range(1, self._dual.count + 1)
        ]
        stages = [TrainingStage("images", _IMAGES, self._begin_images), *blocks]
        if self._params.regroup is Regroup.BRANCHED:
            return [*stages, TrainingStage("branches", _LOOKING, self._begin_looking)]
        head = TrainingStage("head", _HEAD, self._begin_head)
        return [*stages, head, TrainingStage("together", _TOGETHER, self._begin_together)]

    def numbers(self) -> Numbers:
        """Numbers about the generated images and the branches, for the curve."""
        numbers = self._ground.numbers(self._shown())
        if self._params.regroup is Regroup.BRANCHED:
            numbers["parameters"] = float(
                sum(parameter.numel() for parameter in self.student.parameters())
            )
            for number, exit_block in enumerate(self._dual.exits(self.training.memory), start=1):
                numbers[f"branch_{number}"] = float(exit_block)
        return numbers

    def pictures(self) -> Mapping[str, bytes]:
        """A sheet of generated images."""
        return {SAMPLES: sample_sheet(self._shown(), self.spec)}

    def _shown(self) -> Tensor:
        return self._drawing.maps(self._ground.shown_noise())[-1]

    def _drawn(self) -> Maps:
        """Outputs of the generator's groups for new noise, images last."""
        return self._drawing.maps(self._ground.noise())

    def _players(self, modules: Sequence[nn.Module], rate: float) -> dict[str, OptimizerGroup]:
        parameters = [parameter for module in modules for parameter in module.parameters()]
        return {
            "own": OptimizerGroup(
                torch.optim.Adam(parameters, lr=rate, betas=_BETAS), rate, cosine
            )
        }

    def _begin_images(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        modules = list(self._drawing.networks.values())
        return self._players(modules, self._params.generator_learning_rate), self._draw

    def _draw(self) -> dict[str, Tensor]:
        """One step of the generator and of the teachers' filters."""
        maps = self._drawing.stack(self._ground.noise())
        outputs = self._panel.outputs(maps[-1])
        parts = self._prior.of(outputs)
        if self._dual.count > 1:
            consistency = self._drawing.consistency(maps, outputs.logits)
            parts["consistency"] = self._params.consistency_weight * consistency
        loss = self.training.learn("own", torch.stack(list(parts.values())).sum())
        return {"whole": loss} | {name: part.detach() for name, part in parts.items()}

    def _begin_block(self, number: int) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        modules = self._dual.learning(number)
        return self._players(modules, self._recipe.student_learning_rate), partial(
            self._build, number
        )

    def _build(self, number: int) -> dict[str, Tensor]:
        """One step of a block and its filters on both streams."""
        losses = self._dual.block_losses(number, self._drawn())
        loss = self.training.learn("own", losses.sum())
        self._dual.remember(self.training.memory, number, losses.detach())
        return {"block": loss}

    def _begin_head(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        head = self._ground.student.head
        return self._players([head], self._recipe.student_learning_rate), self._learn_head

    def _learn_head(self) -> dict[str, Tensor]:
        loss = self._dual.head_loss(self._drawn()[-1])
        return {"head": self.training.learn("own", loss)}

    def _begin_together(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        student = self._ground.student
        return self._players([student], self._recipe.student_learning_rate), self._learn_together

    def _learn_together(self) -> dict[str, Tensor]:
        loss = self._dual.whole_loss(self._drawn()[-1])
        return {"together": self.training.learn("own", loss)}

    def _begin_looking(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        return {}, self._look

    def _look(self) -> dict[str, Tensor]:
        """Branch losses on images on which no block was trained."""
        losses = self._dual.held_out(self.training.memory, self._drawn()[-1])
        return {"branch": losses.min(dim=0).values.sum()}
