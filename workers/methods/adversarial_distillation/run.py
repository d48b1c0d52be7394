"""Trains a student and a generator against each other."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from service.core.catalogue.adversarial_distillation import AdversarialDistillationParams
from workers.contract import TrainingReport
from workers.methods.adversarial_distillation.game import Game, Worth
from workers.methods.adversarial_distillation.recipes import SECOND_MOMENT, recipe_for
from workers.methods.adversarial_distillation.showing import Showing
from workers.methods.adversarial_distillation.sources import Pool, Source, Sources, follow
from workers.methods.adversarial_distillation.synthesis import Synthesis
from workers.methods.adversarial_distillation.watch import Watch
from workers.torchkit.courses import Numbers, Player, Stage, Training, Turn
from workers.torchkit.generators import ImageGenerator, image_generator
from workers.torchkit.outcomes import Alone, Trained, complete
from workers.torchkit.students import own_input, student_network
from workers.torchkit.teachers import Head, Teacher

Inputs = Alone
Result = Trained

SAMPLES = "samples.png"
_MOMENTUM = 0.9


def run(inputs: Inputs, params: AdversarialDistillationParams, report: TrainingReport) -> Result:
    """Train without any image, then measure the student after its last step.

    Raises:
        TeacherWithoutBatchNormError: Batch statistics are asked of a teacher that keeps none.
        NotTeachableError: The teacher does not know one of the student's labels.
        BadStudentError: The student cannot answer as the teacher does.
        DivergedError: Losses stopped being finite.
    """
    return complete(_Lesson(inputs, params), inputs, params, report)


class _Lesson:
    """Teacher, student, generator and pool: what a turn needs."""

    def __init__(self, inputs: Inputs, params: AdversarialDistillationParams) -> None:
        (teacher,) = inputs.teachers
        self._params, self._recipe = params, recipe_for(params, teacher)
        self._device, self.task = teacher.program.device, teacher.task
        self.head = Head.of([teacher], params.student.labels)
        self.spec = own_input(teacher.input, params.student)
        self.heard = f"answers of {teacher.name} to images drawn from noise"
        drawn = torch.Generator().manual_seed(params.seed)
        self.student = student_network(
            params.student,
            self.spec,
            labels=len(self.head.labels),
            generator=drawn,
            start=inputs.start,
        ).to(self._device)
        self._network: ImageGenerator = image_generator(
            teacher.input,
            noise_units=params.noise_units,
            width=params.generator_width,
            generator=drawn,
        ).to(self._device)
        self._average = copy.deepcopy(self._network).requires_grad_(requires_grad=False)
        self.training = Training(self._networks(), drawn)
        self._game = Game(teacher, self.student, self.spec, self.head, self._recipe)
        self._prepare(teacher)

    def _networks(self) -> dict[str, nn.Module]:
        found: dict[str, nn.Module] = {"student": self.student, "generator": self._network}
        if self._recipe.generator_average > 0:
            found["average"] = self._average
        return found

    def _prepare(self, teacher: Teacher) -> None:
        """What lives in the training's memory, and what shows it."""
        memory, batch = self.training.memory, self._params.batch_size
        self._worth = Worth(self._game, memory)
        raised = self._params.rescue_balance_weight
        self._watch = Watch(memory, len(teacher.classes), self.task, raised)
        size = max(self._recipe.pool_images, batch)
        shape = teacher.program.input_shape
        pooled = self._recipe.pool_images + self._recipe.inner_steps > 0
        self._pool = Pool(memory, size, shape) if pooled else None
        self._synthesis = Synthesis(self._game, self._worth, self._network, batch)
        average = self._average if self._recipe.generator_average > 0 else None
        self._sources = Sources(
            self._network, average, self._pool, batch=batch, generator=self.training.generator
        )
        shown = self._pool if self._recipe.inner_steps > 0 else None
        seed = self._params.seed + 1
        self._showing = Showing(self._game, self._network, shown, batch=batch, seed=seed)

    def stages(self) -> Sequence[Stage]:
        """One: both play from the first turn to the last."""
        return [Stage("game", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, Player], Turn]:
        recipe = self._recipe
        student = torch.optim.SGD(
            self.student.parameters(),
            lr=recipe.student_rate,
            momentum=_MOMENTUM,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        rate = recipe.generator_rate * max(1, recipe.inner_steps)
        betas = (recipe.first_moment, SECOND_MOMENT)
        generator = torch.optim.Adam(self._network.parameters(), lr=rate, betas=betas, fused=True)
        players = {
            "student": Player(student, recipe.student_rate, recipe.student_schedule),
            "generator": Player(generator, rate, recipe.generator_schedule),
        }
        return players, self._synthesis_turn if recipe.inner_steps > 0 else self._turn

    def numbers(self) -> Numbers:
        """What can be said about the drawn images."""
        rescued = {"balance_rescued": float(self._watch.rescued)}
        return self._showing.numbers() | (rescued if self._watch.rescued else {})

    def pictures(self) -> Mapping[str, bytes]:
        """A sheet of drawn images."""
        return {SAMPLES: self._showing.sheet()}

    def _turn(self) -> dict[str, Tensor]:
        """The student's steps, then one of the generator."""
        sources = self._sources.of_turn()
        count = self._recipe.imitations
        losses = [self._imitate(sources[number % len(sources)]) for number in range(count)]
        return {"imitation": torch.stack(losses).mean()} | self._generate()

    def _synthesis_turn(self) -> dict[str, Tensor]:
        """A batch for the pool and a step of the generator, then the student's steps."""
        warming = self.training.progress < self._recipe.warm_up
        made = self._synthesize(0.0 if warming else self._recipe.adversarial_weight)
        if warming:
            return {"imitation": self._measured(self._sources.pooled).detach()} | made
        count = self._recipe.imitations
        losses = [self._imitate(self._sources.pooled) for _ in range(count)]
        return {"imitation": torch.stack(losses).mean()} | made

    def _imitate(self, source: Source) -> Tensor:
        """One step of the student on one batch; the teacher and the images get no gradient."""
        self.student.train()
        return self.training.learn("student", self._measured(source))

    def _measured(self, source: Source) -> Tensor:
        """How far the student is from the teacher on one batch."""
        with torch.no_grad():
            images = source()
            answers = self._game.teacher.answer(images)
        self._watch.see(answers)
        return self._game.apart(self._game.said(images), self._game.wanted(answers)).mean()

    def _generate(self) -> dict[str, Tensor]:
        """One step of the generator against the student at rest."""
        with self._game.student_at_rest():
            images = self._sources.drawn(self._network)
            parts = self._worth.of(images, adversarial=self._recipe.adversarial_weight)
            if not parts:
                return {}
            loss = self.training.learn("generator", torch.stack(list(parts.values())).sum())
        self._worth.remember()
        if self._recipe.generator_average > 0:
            follow(self._average, self._network, kept=self._recipe.generator_average)
        return {"generator": loss} | {name: one.detach() for name, one in parts.items()}

    def _synthesize(self, adversarial: float) -> dict[str, Tensor]:
        """One meta-step of the generator; its best images go to the pool."""
        with self._game.student_at_rest():
            lesson = self._synthesis.lesson(self.training.generator, adversarial=adversarial)
        self.training.learn("generator", lesson)
        assert self._pool is not None
        self._pool.put(self._synthesis.images)
        return {name: one.detach() for name, one in self._synthesis.parts.items()}
