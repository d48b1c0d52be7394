"""Both players are paid for the same discrepancy, and neither step leaves a trace in the other."""

import pytest
import torch
from torch import nn

from service.core.catalog.adversarial_distillation import (
    AdversarialDistillationParams,
    AdversarialImages,
    MetaGradient,
)
from service.core.manifest import InputSpec, TaskKind
from tests.methods.oracles import adversarial_distillation as oracle
from workers.methods.adversarial_distillation.adversarial_step import (
    AdversarialStep,
    GeneratorLoss,
)
from workers.methods.adversarial_distillation.maths import drawn_labels
from workers.methods.adversarial_distillation.recipes import recipe_for
from workers.methods.adversarial_distillation.synthesis import Synthesis
from workers.programs.exporting import export_network
from workers.torchkit.training.generators import ImageGenerator, image_generator
from workers.torchkit.training.students import student_network
from workers.torchkit.training.teachers import Head, Teacher

SPEC = InputSpec(channels=1, height=8, width=8, mean=(0.5,), std=(0.25,))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    ).eval()
    program = export_network(network, (1, 8, 8), tmp_path_factory.mktemp("net") / "net.pt2")
    return Teacher("t", "t", program, SPEC, TaskKind.CLASSIFICATION, ("a", "b", "c"))


def game_of(teacher: Teacher, **changes: object) -> AdversarialStep:
    params = AdversarialDistillationParams.model_validate(
        {"preset": "dfad", "student": {"architecture": "plain", "width": 4}, **changes}
    )
    drawn = torch.Generator().manual_seed(1)
    student = student_network(params.student, SPEC, labels=3, generator=drawn)
    return AdversarialStep(teacher, student, SPEC, Head.of([teacher]), recipe_for(params, teacher))


def network() -> ImageGenerator:
    drawn = torch.Generator().manual_seed(2)
    return image_generator(SPEC, noise_units=5, width=4, generator=drawn)


def noise() -> torch.Tensor:
    return torch.randn(8, 5, generator=torch.Generator().manual_seed(3))


def test_what_the_student_loses_the_generator_gains(teacher: Teacher) -> None:
    game, images = game_of(teacher), network()(noise()).detach()

    with game.student_at_rest():
        loss = game.discrepancy(
            game.student_logits(images), game.selected_logits(teacher.answer(images))
        ).mean()
        gain = GeneratorLoss(game, {}).of(images, adversarial=1.0)["adversarial"]

    torch.testing.assert_close(gain, -loss, rtol=0, atol=0)


def test_gradients_reach_the_generator_through_teacher_and_student(teacher: Teacher) -> None:
    game, drawing = game_of(teacher), network()
    images = drawing(noise())
    with game.student_at_rest():
        answers, student_logits = teacher.answer(images), game.student_logits(images)
        pairs = [(student_logits.detach(), answers), (student_logits, answers.detach())]
        losses = [game.discrepancy(*pair).mean() for pair in pairs]

    for loss in losses:
        found = torch.autograd.grad(loss, drawing.linear.weight, retain_graph=True)[0]

        assert found.abs().sum() > 0


def test_the_generators_step_leaves_the_student_as_it_was(teacher: Teacher) -> None:
    game = game_of(teacher)
    game.student.train()
    before = {name: one.clone() for name, one in game.student.state_dict().items()}

    with game.student_at_rest():
        parts = GeneratorLoss(game, {}).of(network()(noise()), adversarial=1.0)
        torch.autograd.backward(parts["adversarial"])

    torch.testing.assert_close(game.student.state_dict(), before, rtol=0, atol=0)
    assert all(one.grad is None and one.requires_grad for one in game.student.parameters())
    assert all(one.grad is None for one in teacher.program.parameters())
    assert game.student.training


def test_where_only_agreement_counts_other_images_are_worth_nothing(teacher: Teacher) -> None:
    game = game_of(teacher, adversarial_images=AdversarialImages.AGREED)
    images = network()(noise())

    with game.student_at_rest():
        student_logits, teacher_logits = game.student_logits(images), teacher.answer(images)
        gain = GeneratorLoss(game, {}).of(images, adversarial=1.0)["adversarial"]

    alike = student_logits.argmax(dim=1) == teacher_logits.argmax(dim=1)
    assert 0 < alike.sum() < len(images)
    expected = -(student_logits - teacher_logits).abs().mean(dim=1)[alike].sum() / len(images)
    torch.testing.assert_close(gain, expected)


def test_batch_statistics_are_compared_with_those_of_earlier_batches_in_them(
    teacher: Teacher,
) -> None:
    memory: dict[str, torch.Tensor] = {}
    game = game_of(teacher, batch_norm_weight=1.0, batch_norm_memory=0.75)
    worth = GeneratorLoss(game, memory)
    with torch.no_grad(), game.student_at_rest():
        worth.of(network()(noise()), adversarial=0.0)
        worth.remember()
        first = memory["batch_statistics"].clone()
        worth.of(network()(2 * noise() + 1), adversarial=0.0)
        plain = [part for one in worth._latest for part in (one.mean, one.variance)]
        worth.remember()

    twin = oracle.blended(torch.cat(plain).tolist(), first.tolist(), 0.75)
    torch.testing.assert_close(memory["batch_statistics"], torch.tensor(twin))


@pytest.mark.parametrize("kind", list(MetaGradient))
def test_the_meta_gradient_is_the_sum_of_the_inner_gradients_or_the_way_they_went(
    teacher: Teacher, kind: MetaGradient
) -> None:
    game = game_of(teacher, preset="fast_meta", inner_steps=3, meta_gradient=kind)
    drawing, seeded = network(), torch.Generator().manual_seed(7)
    z, asked = torch.randn(8, 5, generator=seeded), drawn_labels(8, 3, seeded)

    def inner(copied: ImageGenerator) -> list[torch.Tensor]:
        """Slow twin: the steps written out, and what the first weight took from them."""
        start = copied.linear.weight.detach().clone()
        moving = z.clone().requires_grad_()
        recipe = game.recipe
        optimizer = torch.optim.Adam(
            [
                {"params": list(copied.parameters()), "lr": recipe.generator_learning_rate},
                {"params": [moving], "lr": recipe.noise_learning_rate},
            ],
            betas=(0.5, 0.999),
        )
        total = torch.zeros_like(start)
        for _ in range(3):
            optimizer.zero_grad()
            parts = GeneratorLoss(game, {}).of(
                copied(moving), requested_labels=asked, adversarial=1.0
            )
            sum(parts.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
            total += copied.linear.weight.grad  # type: ignore[arg-type]
            optimizer.step()
        return [total, start - copied.linear.weight.detach()]

    with game.student_at_rest():
        synthesis = Synthesis(game, GeneratorLoss(game, {}), drawing, 8)
        lesson = synthesis.meta_loss(torch.Generator().manual_seed(7), adversarial=1.0)
        found = torch.autograd.grad(lesson, drawing.linear.weight)[0]
        expected = inner(network())[0 if kind is MetaGradient.FIRST_ORDER else 1]

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
