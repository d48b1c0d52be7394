"""What every method stands beside: labels, real images, noise, and a generator that learns nothing."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.students.protocol import StudyRow
from benchmarks.students.scenes import Numbers, Scene
from benchmarks.students.teaching import Recipe, learn_labels
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.training.generators import image_generator
from workers.torchkit.training.shared_labels import label_logits
from workers.torchkit.training.teachers import to_input_space

Draw = Callable[[torch.Generator], Tensor]
Match = Callable[[Tensor, Tensor], Tensor]

SUPERVISED = Recipe()
DISTILLING = Recipe(steps=2500, batch=128, rate=0.05, optimizer="sgd")
_UNITS, _WIDTH = 64, 16


def soft_targets(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """KL(teacher ‖ student) in nats at temperature 1, mean over images."""
    mine, theirs = (
        functional.log_softmax(logits, dim=1) for logits in (student_logits, teacher_logits)
    )
    return functional.kl_div(mine, theirs, reduction="batchmean", log_target=True)


def supervised(scene: Scene, *, seed: int, recipe: Recipe = SUPERVISED) -> Numbers:
    """The student trained on labels; the teachers are only compared with."""
    network = scene.fresh(seed)
    learn_labels(network, scene.images, spec=scene.spec, recipe=recipe, seed=seed)
    return scene.graded(network)


def distilled(
    scene: Scene,
    draw: Draw,
    *,
    seed: int,
    recipe: Recipe = DISTILLING,
    match: Match = functional.l1_loss,
) -> Numbers:
    """The student trained on the teachers' answers, merged by label, to whatever is drawn.

    Args:
        draw: Images in the student's input space.
        match: Of the student's logits and the targets.
    """
    network = scene.fresh(seed).train()
    generator = torch.Generator().manual_seed(seed)
    for optimizer in recipe.rounds(list(network.parameters())):
        images = draw(generator)
        with torch.no_grad():
            teacher_logits = [
                teacher.answer(to_input_space(images, scene.spec, teacher.input))
                for teacher in scene.teachers
            ]
        targets = label_logits(teacher_logits, scene.head, scene.teachers[0].task)
        loss = match(network(images), targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return scene.graded(network)


def kd_real(
    scene: Scene,
    *,
    seed: int,
    recipe: Recipe = DISTILLING,
    match: Match = functional.l1_loss,
) -> Numbers:
    """Distilled on the scene's images, without their labels."""
    images = to_network_input(scene.images.frames, Preprocessing.of(scene.spec))

    def draw(generator: torch.Generator) -> Tensor:
        return images[torch.randint(len(images), (recipe.batch,), generator=generator)]

    return distilled(scene, draw, seed=seed, recipe=recipe, match=match)


def kd_noise(
    scene: Scene,
    *,
    seed: int,
    recipe: Recipe = DISTILLING,
    match: Match = functional.l1_loss,
) -> Numbers:
    """Distilled on standard normal pixels in the student's input space."""
    shape = (recipe.batch, scene.spec.channels, scene.spec.height, scene.spec.width)

    def draw(generator: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=generator)

    return distilled(scene, draw, seed=seed, recipe=recipe, match=match)


def kd_untrained(
    scene: Scene,
    *,
    seed: int,
    recipe: Recipe = DISTILLING,
    match: Match = functional.l1_loss,
) -> Numbers:
    """Distilled on the images of a generator with fresh weights that never learns."""
    fresh = torch.Generator().manual_seed(seed)
    made = image_generator(scene.spec, noise_units=_UNITS, width=_WIDTH, generator=fresh)

    def draw(generator: torch.Generator) -> Tensor:
        with torch.no_grad():
            images: Tensor = made(torch.randn(recipe.batch, _UNITS, generator=generator))
        return images

    return distilled(scene, draw, seed=seed, recipe=recipe, match=match)


def rows(scene_of: Callable[[int], Scene], recipe: Recipe, *, real: str) -> tuple[StudyRow, ...]:
    """Labels, real images, noise and an untrained generator, as lines of a table.

    Args:
        recipe: Of all but the first.
        real: Title of the row of real images; the titles below go on from it.
    """

    def of_labels(seed: int) -> Numbers:
        return supervised(scene_of(seed), seed=seed)

    def of_answers(distil: Callable[..., Numbers]) -> Callable[[int], Numbers]:
        return lambda seed: distil(scene_of(seed), seed=seed, recipe=recipe)

    return (
        StudyRow("supervised", "student on labels", of_labels),
        StudyRow("real", real, of_answers(kd_real)),
        StudyRow("noise", "… Gaussian noise", of_answers(kd_noise)),
        StudyRow("untrained", "… images of an untrained generator", of_answers(kd_untrained)),
    )
