"""Trains a student and a generator adversarially."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalog.adversarial_distillation import AdversarialDistillationParams
from workers.methods.adversarial_distillation.adversarial_step import (
    AdversarialStep,
    GeneratorLoss,
)
from workers.methods.adversarial_distillation.monitor import LabelBalance
from workers.methods.adversarial_distillation.recipes import (
    SECOND_MOMENT,
    preset_for,
    recipe_for,
    stated,
)
from workers.methods.adversarial_distillation.sample_sheet import SampleSheet
from workers.methods.adversarial_distillation.sources import Pool, Source, Sources, follow
from workers.methods.adversarial_distillation.synthesis import Synthesis
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.generators import ImageGenerator, image_generator
from workers.torchkit.training.loop import (
    Numbers,
    OptimizerGroup,
    Training,
    TrainingStage,
    TrainingStep,
)
from workers.torchkit.training.students import own_input, student_network
from workers.torchkit.training.task import DataFreeInputs, TrainingResult, complete
from workers.torchkit.training.teachers import Head, Teacher

SAMPLES = "samples.png"
_MOMENTUM = 0.9


def run(
    inputs: DataFreeInputs, params: AdversarialDistillationParams, report: TrainingReport
) -> TrainingResult:
    """The student, trained without images and evaluated after its last step.

    Raises:
        TeacherWithoutBatchNormError: Batch statistics are requested of a teacher without them.
        NotTeachableError: The teacher lacks one of the student's labels.
        BadStudentError: The student cannot have the teacher's kind of output.
        DivergedError: Losses stopped being finite.
    """
    return complete(_AdversarialTask(inputs, params), inputs, params, report)


class _AdversarialTask:
    """Teacher, student, generator and pool of the training."""

    def __init__(self, inputs: DataFreeInputs, params: AdversarialDistillationParams) -> None:
        (teacher,) = inputs.teachers
        self._params, self._recipe = params, recipe_for(params, teacher)
        self._preset = preset_for(params, teacher)
        self._device, self.task = teacher.program.device, teacher.task
        self.head = Head.of([teacher], params.student.labels)
        self.spec = own_input(teacher.input, params.student)
        self.trained_on = f"outputs of {teacher.name} on images generated from noise"
        generator = torch.Generator().manual_seed(params.seed)
        self.student = student_network(
            params.student,
            self.spec,
            labels=len(self.head.labels),
            generator=generator,
            start=inputs.start,
        ).to(self._device)
        self._network: ImageGenerator = image_generator(
            teacher.input,
            noise_units=params.noise_units,
            width=params.generator_width,
            generator=generator,
        ).to(self._device)
        self._average = copy.deepcopy(self._network).requires_grad_(requires_grad=False)
        self.training = Training(self._networks(), generator)
        self._adversarial_step = AdversarialStep(
            teacher, self.student, self.spec, self.head, self._recipe
        )
        self._prepare(teacher)

    def _networks(self) -> dict[str, nn.Module]:
        networks: dict[str, nn.Module] = {"student": self.student, "generator": self._network}
        if self._recipe.generator_average > 0:
            networks["average"] = self._average
        return networks

    def _prepare(self, teacher: Teacher) -> None:
        """Creates the parts that keep state in the training's memory, and those that display it."""
        memory, batch = self.training.memory, self._params.batch_size
        self._generator_loss = GeneratorLoss(self._adversarial_step, memory)
        rescue_weight = self._params.rescue_balance_weight
        self._label_balance = LabelBalance(memory, len(teacher.classes), self.task, rescue_weight)
        size = max(self._recipe.pool_images, batch)
        shape = teacher.program.input_shape
        uses_pool = self._recipe.pool_images + self._recipe.inner_steps > 0
        self._pool = Pool(memory, size, shape) if uses_pool else None
        self._synthesis = Synthesis(
            self._adversarial_step, self._generator_loss, self._network, batch
        )
        average = self._average if self._recipe.generator_average > 0 else None
        self._sources = Sources(
            self._network,
            average,
            self._pool,
            batch=batch,
            generator=self.training.generator,
            crop_and_flip=self._recipe.crop_and_flip,
        )
        shown_pool = self._pool if self._recipe.inner_steps > 0 else None
        seed = self._params.seed + 1
        self._sample_sheet = SampleSheet(
            self._adversarial_step, self._network, shown_pool, batch=batch, seed=seed
        )

    def stages(self) -> Sequence[TrainingStage]:
        """One stage, in which student and generator alternate."""
        return [TrainingStage("adversarial", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        recipe = self._recipe
        student = torch.optim.SGD(
            self.student.parameters(),
            lr=recipe.student_learning_rate,
            momentum=_MOMENTUM,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        rate = recipe.generator_learning_rate * max(1, recipe.inner_steps)
        betas = (recipe.first_moment, SECOND_MOMENT)
        generator = torch.optim.Adam(self._network.parameters(), lr=rate, betas=betas, fused=True)
        optimizer_groups = {
            "student": OptimizerGroup(
                student, recipe.student_learning_rate, recipe.student_schedule
            ),
            "generator": OptimizerGroup(generator, rate, recipe.generator_schedule),
        }
        return optimizer_groups, self._synthesis_step if recipe.inner_steps > 0 else self._step

    def numbers(self) -> Numbers:
        """Numbers about the generated images, for the curve."""
        rescued = {"balance_rescued": float(self._label_balance.rescued)}
        return self._sample_sheet.numbers() | (rescued if self._label_balance.rescued else {})

    def recipe(self) -> Mapping[str, Any]:
        """The preset, and every value that it stands for."""
        return {"preset": self._preset, **stated(self._recipe)}

    def pictures(self) -> Mapping[str, bytes]:
        """A sheet of generated images."""
        return {SAMPLES: self._sample_sheet.sheet()}

    def _step(self) -> dict[str, Tensor]:
        """The student's steps, then one step of the generator."""
        sources = self._sources.of_step()
        count = self._recipe.imitations
        losses = [self._imitate(sources[number % len(sources)]) for number in range(count)]
        return {"imitation": torch.stack(losses).mean()} | self._generate()

    def _synthesis_step(self) -> dict[str, Tensor]:
        """A batch for the pool and a generator step, then the student's steps."""
        is_warming_up = self.training.progress < self._recipe.warm_up
        generator_losses = self._synthesize(
            0.0 if is_warming_up else self._recipe.adversarial_weight
        )
        if is_warming_up:
            return {
                "imitation": self._imitation_loss(self._sources.pooled).detach()
            } | generator_losses
        count = self._recipe.imitations
        losses = [self._imitate(self._sources.pooled) for _ in range(count)]
        return {"imitation": torch.stack(losses).mean()} | generator_losses

    def _imitate(self, source: Source) -> Tensor:
        """One step of the student on one batch; teacher and images get no gradient."""
        self.student.train()
        return self.training.learn("student", self._imitation_loss(source))

    def _imitation_loss(self, source: Source) -> Tensor:
        """Mean discrepancy between student and teacher on one batch."""
        with torch.no_grad():
            images = source()
            teacher_logits = self._adversarial_step.teacher.answer(images)
        self._label_balance.count(teacher_logits)
        return self._adversarial_step.discrepancy(
            self._adversarial_step.student_logits(images),
            self._adversarial_step.selected_logits(teacher_logits),
            temperature=self._recipe.temperature,
        ).mean()

    def _generate(self) -> dict[str, Tensor]:
        """One step of the generator against the frozen student."""
        with self._adversarial_step.student_at_rest():
            images = self._sources.drawn(self._network)
            parts = self._generator_loss.of(images, adversarial=self._recipe.adversarial_weight)
            if not parts:
                return {}
            loss = self.training.learn("generator", torch.stack(list(parts.values())).sum())
        self._generator_loss.remember()
        if self._recipe.generator_average > 0:
            follow(self._average, self._network, decay=self._recipe.generator_average)
        return {"generator": loss} | {name: part.detach() for name, part in parts.items()}

    def _synthesize(self, adversarial: float) -> dict[str, Tensor]:
        """One meta-step of the generator; its best images are added to the pool."""
        with self._adversarial_step.student_at_rest():
            meta_loss = self._synthesis.meta_loss(self.training.generator, adversarial=adversarial)
        self.training.learn("generator", meta_loss)
        assert self._pool is not None
        self._pool.put(self._synthesis.images)
        return {name: part.detach() for name, part in self._synthesis.parts.items()}
