"""Student and generator optimize the same discrepancy, and neither step changes the other."""

import pytest
import torch
from torch import nn

from service.core.catalog.adversarial_distillation import (
    AdversarialDistillationParams,
    AdversarialImages,
    MetaGradient,
    Preset,
)
from service.core.manifest import InputSpec, TaskKind
from tests.methods.oracles import adversarial_distillation as oracle
from workers.methods.adversarial_distillation.adversarial_step import (
    AdversarialStep,
    GeneratorLoss,
)
from workers.methods.adversarial_distillation.maths import divergence, drawn_labels
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


def adversarial_step(teacher: Teacher, **changes: object) -> AdversarialStep:
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
    step, images = adversarial_step(teacher), network()(noise()).detach()

    with step.student_at_rest():
        loss = step.discrepancy(
            step.student_logits(images), step.selected_logits(teacher.answer(images))
        ).mean()
        gain = GeneratorLoss(step, {}).of(images, adversarial=1.0)["adversarial"]

    torch.testing.assert_close(gain, -loss, rtol=0, atol=0)


def test_gradients_reach_the_generator_through_teacher_and_student(teacher: Teacher) -> None:
    step, drawing = adversarial_step(teacher), network()
    images = drawing(noise())
    with step.student_at_rest():
        answers, student_logits = teacher.answer(images), step.student_logits(images)
        pairs = [(student_logits.detach(), answers), (student_logits, answers.detach())]
        losses = [step.discrepancy(*pair).mean() for pair in pairs]

    for loss in losses:
        gradient = torch.autograd.grad(loss, drawing.linear.weight, retain_graph=True)[0]

        assert gradient.abs().sum() > 0


def test_the_generators_step_leaves_the_student_as_it_was(teacher: Teacher) -> None:
    step = adversarial_step(teacher)
    step.student.train()
    before = {name: value.clone() for name, value in step.student.state_dict().items()}

    with step.student_at_rest():
        parts = GeneratorLoss(step, {}).of(network()(noise()), adversarial=1.0)
        torch.autograd.backward(parts["adversarial"])

    torch.testing.assert_close(step.student.state_dict(), before, rtol=0, atol=0)
    assert all(
        weight.grad is None and weight.requires_grad for weight in step.student.parameters()
    )
    assert all(weight.grad is None for weight in teacher.program.parameters())
    assert step.student.training


def test_where_only_agreement_counts_other_images_are_worth_nothing(teacher: Teacher) -> None:
    step = adversarial_step(teacher, adversarial_images=AdversarialImages.AGREED)
    images = network()(noise())

    with step.student_at_rest():
        student_logits, teacher_logits = step.student_logits(images), teacher.answer(images)
        gain = GeneratorLoss(step, {}).of(images, adversarial=1.0)["adversarial"]

    alike = student_logits.argmax(dim=1) == teacher_logits.argmax(dim=1)
    assert 0 < alike.sum() < len(images)
    expected = -(student_logits - teacher_logits).abs().mean(dim=1)[alike].sum() / len(images)
    torch.testing.assert_close(gain, expected)


def test_batch_statistics_are_compared_with_those_of_earlier_batches_in_them(
    teacher: Teacher,
) -> None:
    memory: dict[str, torch.Tensor] = {}
    step = adversarial_step(teacher, batch_norm_weight=1.0, batch_norm_memory=0.75)
    generator_loss = GeneratorLoss(step, memory)
    with torch.no_grad(), step.student_at_rest():
        generator_loss.of(network()(noise()), adversarial=0.0)
        generator_loss.remember()
        first = memory["batch_statistics"].clone()
        generator_loss.of(network()(2 * noise() + 1), adversarial=0.0)
        plain = [part for layer in generator_loss._latest for part in (layer.mean, layer.variance)]
        generator_loss.remember()

    twin = oracle.blended(torch.cat(plain).tolist(), first.tolist(), 0.75)
    torch.testing.assert_close(memory["batch_statistics"], torch.tensor(twin))


@pytest.mark.parametrize("kind", list(MetaGradient))
def test_the_meta_gradient_is_the_sum_of_the_inner_gradients_or_the_way_they_went(
    teacher: Teacher, kind: MetaGradient
) -> None:
    step = adversarial_step(teacher, preset="fast_meta", inner_steps=3, meta_gradient=kind)
    drawing, seeded = network(), torch.Generator().manual_seed(7)
    z, asked = torch.randn(8, 5, generator=seeded), drawn_labels(8, 3, seeded)

    def inner(copied: ImageGenerator) -> list[torch.Tensor]:
        """Slow twin: the steps written out, and what the first weight took from them."""
        start = copied.linear.weight.detach().clone()
        moving = z.clone().requires_grad_()
        recipe = step.recipe
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
            parts = GeneratorLoss(step, {}).of(
                copied(moving), requested_labels=asked, adversarial=1.0
            )
            sum(parts.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
            total += copied.linear.weight.grad  # type: ignore[arg-type]
            optimizer.step()
        return [total, start - copied.linear.weight.detach()]

    with step.student_at_rest():
        synthesis = Synthesis(step, GeneratorLoss(step, {}), drawing, 8)
        meta_loss = synthesis.meta_loss(torch.Generator().manual_seed(7), adversarial=1.0)
        meta_gradient = torch.autograd.grad(meta_loss, drawing.linear.weight)[0]
        expected = inner(network())[0 if kind is MetaGradient.FIRST_ORDER else 1]

    torch.testing.assert_close(meta_gradient, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("preset", [Preset.DFQ, Preset.FAST_META])
def test_the_student_imitates_at_temperature_20_and_the_generator_is_rewarded_at_1(
    teacher: Teacher, preset: Preset
) -> None:
    """As in the published code of both."""
    images = network()(noise()).detach()
    step = adversarial_step(teacher, preset=preset, adversarial_images=AdversarialImages.ALL)

    with step.student_at_rest():
        student_logits, teacher_logits = step.student_logits(images), teacher.answer(images)
        gain = GeneratorLoss(step, {}).of(images, adversarial=1.0)["adversarial"]

    assert step.recipe.temperature == 20.0
    expected = -divergence(student_logits, teacher_logits, temperature=1.0).mean()
    torch.testing.assert_close(gain, expected)
