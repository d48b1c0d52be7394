"""``dfq_ka``: the student learns all logits while the generator trains adversarially."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from workers.methods.dual_gan_amalgamation.maths import scaled_distance
from workers.methods.dual_gan_amalgamation.recipes import recipe_for
from workers.methods.dual_gan_amalgamation.setup import Setup
from workers.methods.dual_gan_amalgamation.teacher_panel import ImagePrior
from workers.torchkit.attribution.module_reader import evaluating
from workers.torchkit.drawing.sample_sheets import sample_sheet
from workers.torchkit.training.generators import image_generator
from workers.torchkit.training.loop import (
    Numbers,
    OptimizerGroup,
    Training,
    TrainingStage,
    TrainingStep,
    cosine,
)

SAMPLES = "samples.png"
_SCALE = "scale"
_MEMORY = 0.9
_MOMENTUM, _DECAY = 0.9, 5e-4
_BETAS = (0.5, 0.999)
_SMALLEST = 1e-6


class SideBySideLearner:
    """Teachers, student and generator of the training."""

    def __init__(self, setup: Setup) -> None:
        self._setup, self._params = setup, setup.params
        self._panel = setup.panel
        self._recipe = recipe_for(setup.params, setup.panel.teachers)
        self.student, self.spec = setup.student, setup.panel.spec
        self.head, self.task, self.trained_on = (
            setup.panel.head,
            setup.panel.task,
            setup.trained_on,
        )
        self._images = image_generator(
            self.spec,
            noise_units=self._params.noise_units,
            width=self._params.generator_width,
            generator=setup.generator,
        ).to(setup.device)
        networks = {"student": self.student, "generator": self._images}
        self.training = Training(networks, setup.generator)
        self.training.memory[_SCALE] = torch.zeros(len(self._panel.teachers))
        self._prior = ImagePrior(self._panel, self._params, self._recipe)

    def stages(self) -> Sequence[TrainingStage]:
        """One stage, in which student and generator alternate."""
        return [TrainingStage("side by side", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        rate = self._recipe.student_learning_rate
        student = torch.optim.SGD(
            self.student.parameters(), lr=rate, momentum=_MOMENTUM, weight_decay=_DECAY
        )
        generator_learning_rate = self._params.generator_learning_rate
        generator = torch.optim.Adam(
            self._images.parameters(), lr=generator_learning_rate, betas=_BETAS
        )
        optimizer_groups = {
            "student": OptimizerGroup(student, rate, cosine),
            "generator": OptimizerGroup(generator, generator_learning_rate, cosine),
        }
        return optimizer_groups, self._step

    def numbers(self) -> Numbers:
        """Numbers about the generated images, for the curve."""
        return self._setup.numbers(self._shown_images())

    def recipe(self) -> Mapping[str, Any]:
        """Every value that the preset stands for."""
        return asdict(self._recipe)

    def pictures(self) -> Mapping[str, bytes]:
        """A sheet of generated images."""
        return {SAMPLES: sample_sheet(self._shown_images(), self.spec)}

    def _shown_images(self) -> Tensor:
        with torch.no_grad():
            images: Tensor = self._images(self._setup.shown_noise())
        return images

    def _step(self) -> dict[str, Tensor]:
        """The student's steps, then one step of the generator."""
        losses = [self._imitate() for _ in range(self._params.imitations)]
        return {"imitation": torch.stack(losses).mean()} | self._generate()

    def _imitate(self) -> Tensor:
        with torch.no_grad():
            images = self._images(self._setup.noise())
            teacher_logits = self._panel.logits(images)
        self._measure(teacher_logits)
        self.student.train()
        return self.training.learn("student", self._discrepancy(images, teacher_logits))

    def _discrepancy(self, images: Tensor, teacher_logits: Sequence[Tensor]) -> Tensor:
        """Distance of student and teacher logits, in units of the teachers' own deviation."""
        student_logits = self.student(images)
        return scaled_distance(
            student_logits, self._panel.label_logits(teacher_logits), self._label_scale()
        )

    def _measure(self, teacher_logits: Sequence[Tensor]) -> None:
        """Updates the moving average of the deviation of each teacher's selected logits."""
        previous, columns = self.training.memory[_SCALE], self.head.output_columns
        selected = [logits[:, columns(number)] for number, logits in enumerate(teacher_logits)]
        deviations = torch.stack([logits.float().std(correction=0).cpu() for logits in selected])
        share = _MEMORY if bool(previous.any()) else 0.0
        self.training.memory[_SCALE] = torch.lerp(deviations, previous, share)

    def _label_scale(self) -> Tensor:
        """Mean deviation of the teachers of each label (label,)."""
        deviations = self.training.memory[_SCALE].clamp_min(_SMALLEST)
        of_columns = deviations[[column.teacher for column in self.head.columns]]
        label_indices = torch.tensor([column.label for column in self.head.columns])
        sums = torch.zeros(len(self.head.labels)).index_add(0, label_indices, of_columns)
        return (sums / label_indices.bincount()).to(self._setup.device)

    def _generate(self) -> dict[str, Tensor]:
        images = self._images(self._setup.noise())
        outputs = self._panel.outputs(images)
        parts = self._prior.of(outputs)
        with evaluating(self.student):
            gain = self._discrepancy(images, outputs.logits)
        parts["adversarial"] = -self._params.adversarial_weight * gain
        self.training.learn("generator", torch.stack(list(parts.values())).sum())
        return {name: part.detach() for name, part in parts.items()}
