"""``dfq_ka``: a student learns all answers side by side while the generator still moves."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from workers.methods.dual_gan_amalgamation.ground import Ground
from workers.methods.dual_gan_amalgamation.maths import scaled_distance
from workers.methods.dual_gan_amalgamation.panel import Prior
from workers.methods.dual_gan_amalgamation.recipes import recipe_for
from workers.torchkit.courses import Numbers, Player, Stage, Training, Turn, cosine
from workers.torchkit.generators import image_generator
from workers.torchkit.module_reader import evaluating
from workers.torchkit.sample_sheets import sample_sheet

SAMPLES = "samples.png"
_SCALE = "scale"
_MEMORY = 0.9
_MOMENTUM, _DECAY = 0.9, 5e-4
_BETAS = (0.5, 0.999)
_SMALLEST = 1e-6


class SideBySide:
    """Teachers, student and generator: what a turn needs."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._params = ground, ground.params
        self._panel = ground.panel
        self._recipe = recipe_for(ground.params, ground.panel.teachers)
        self.student, self.spec = ground.student, ground.panel.spec
        self.head, self.task, self.heard = ground.panel.head, ground.panel.task, ground.heard
        self._images = image_generator(
            self.spec,
            noise_units=self._params.noise_units,
            width=self._params.generator_width,
            generator=ground.generator,
        ).to(ground.device)
        networks = {"student": self.student, "generator": self._images}
        self.training = Training(networks, ground.generator)
        self.training.memory[_SCALE] = torch.zeros(len(self._panel.teachers))
        self._prior = Prior(self._panel, self._params, self._recipe)

    def stages(self) -> Sequence[Stage]:
        """One: both move from the first turn to the last."""
        return [Stage("side by side", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, Player], Turn]:
        rate = self._recipe.student_rate
        student = torch.optim.SGD(
            self.student.parameters(), lr=rate, momentum=_MOMENTUM, weight_decay=_DECAY
        )
        other = self._params.generator_rate
        generator = torch.optim.Adam(self._images.parameters(), lr=other, betas=_BETAS)
        players = {
            "student": Player(student, rate, cosine),
            "generator": Player(generator, other, cosine),
        }
        return players, self._turn

    def numbers(self) -> Numbers:
        """What can be said about the drawn images."""
        return self._ground.numbers(self._shown())

    def pictures(self) -> Mapping[str, bytes]:
        """A sheet of drawn images."""
        return {SAMPLES: sample_sheet(self._shown(), self.spec)}

    def _shown(self) -> Tensor:
        with torch.no_grad():
            images: Tensor = self._images(self._ground.shown_noise())
        return images

    def _turn(self) -> dict[str, Tensor]:
        """The student's steps, then one of the generator."""
        losses = [self._imitate() for _ in range(self._params.imitations)]
        return {"imitation": torch.stack(losses).mean()} | self._generate()

    def _imitate(self) -> Tensor:
        with torch.no_grad():
            images = self._images(self._ground.noise())
            answers = self._panel.answers(images)
        self._measure(answers)
        self.student.train()
        return self.training.learn("student", self._apart(images, answers))

    def _apart(self, images: Tensor, answers: Sequence[Tensor]) -> Tensor:
        """How differently student and teachers answer, in units of the teachers' own spread."""
        said = self.student(images)
        return scaled_distance(said, self._panel.labels_told(answers), self._label_scale())

    def _measure(self, answers: Sequence[Tensor]) -> None:
        """Keep each teacher's deviation of wanted logits, as a moving average."""
        known, columns = self.training.memory[_SCALE], self.head.output_columns
        wanted = [one[:, columns(number)] for number, one in enumerate(answers)]
        found = torch.stack([one.float().std(correction=0).cpu() for one in wanted])
        share = _MEMORY if bool(known.any()) else 0.0
        self.training.memory[_SCALE] = torch.lerp(found, known, share)

    def _label_scale(self) -> Tensor:
        """For every label the mean deviation of its teachers."""
        each = self.training.memory[_SCALE].clamp_min(_SMALLEST)
        of_columns = each[[one.teacher for one in self.head.columns]]
        places = torch.tensor([one.label for one in self.head.columns])
        whole = torch.zeros(len(self.head.labels)).index_add(0, places, of_columns)
        return (whole / places.bincount()).to(self._ground.device)

    def _generate(self) -> dict[str, Tensor]:
        images = self._images(self._ground.noise())
        told = self._panel.told(images)
        parts = self._prior.of(told)
        with evaluating(self.student):
            gain = self._apart(images, told.answers)
        parts["adversarial"] = -self._params.adversarial_weight * gain
        self.training.learn("generator", torch.stack(list(parts.values())).sum())
        return {name: one.detach() for name, one in parts.items()}
