"""The losses agree with their slow twins, and gradients flow where they should."""

import pytest
import torch

from service.core.catalog.adversarial_distillation import AdversarialForm
from service.core.manifest import TaskKind
from tests.methods.oracles import adversarial_distillation as oracle
from workers.methods.adversarial_distillation.maths import (
    absolute_discrepancy,
    adversarial_loss,
    at_smaller,
    balance_loss,
    counted,
    decided,
    divergence,
    drawn_labels,
    evenness,
    label_divergence,
    label_shares,
    largest_share,
    one_hot_loss,
)

CLASSES, LABELS, PIXELS = TaskKind.CLASSIFICATION, TaskKind.MULTI_LABEL, TaskKind.SEGMENTATION


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_distance_follows_its_twin_and_its_mean_is_that_over_all_elements() -> None:
    student_logits, teacher_logits = drawn(5, 3, 2, 4, seed=0), drawn(5, 3, 2, 4, seed=1)

    distance = absolute_discrepancy(student_logits, teacher_logits)

    twin = oracle.absolute_discrepancy(
        student_logits.flatten(1).tolist(), teacher_logits.flatten(1).tolist()
    )
    torch.testing.assert_close(distance, torch.tensor(twin))
    torch.testing.assert_close(distance.mean(), (student_logits - teacher_logits).abs().mean())


@pytest.mark.parametrize("temperature", [1.0, 20.0])
def test_divergences_follow_their_twins(temperature: float) -> None:
    student_logits, teacher_logits = drawn(4, 6, seed=0), drawn(4, 6, seed=1)
    lists = student_logits.tolist(), teacher_logits.tolist(), temperature

    whole = divergence(student_logits, teacher_logits, temperature=temperature)
    single = label_divergence(student_logits, teacher_logits, temperature=temperature)

    torch.testing.assert_close(
        whole, torch.tensor(oracle.divergence(*lists)), rtol=1e-3, atol=1e-5
    )
    torch.testing.assert_close(
        single, torch.tensor(oracle.label_divergence(*lists)), rtol=1e-3, atol=1e-4
    )


def test_the_divergence_of_pixels_is_their_mean() -> None:
    student_logits, teacher_logits = drawn(2, 3, 2, 2, seed=0), drawn(2, 3, 2, 2, seed=1)

    divergences = divergence(student_logits, teacher_logits, temperature=2.0)

    pixels = [
        logits.permute(0, 2, 3, 1).reshape(8, 3) for logits in (student_logits, teacher_logits)
    ]
    torch.testing.assert_close(
        divergences, divergence(*pixels, temperature=2.0).view(2, 4).mean(dim=1)
    )


def test_saturated_answers_give_finite_losses_and_gradients() -> None:
    student_logits = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    losses = [
        divergence(student_logits, -student_logits.detach(), temperature=1.0).mean(),
        one_hot_loss(student_logits, torch.tensor([1]), CLASSES),
        one_hot_loss(student_logits, torch.tensor([[0.0, 1.0, 1.0]]), LABELS),
        balance_loss(label_shares(student_logits, CLASSES)),
        balance_loss(label_shares(student_logits, LABELS)),
    ]

    gradients = [
        torch.autograd.grad(loss, student_logits, retain_graph=True)[0] for loss in losses
    ]

    assert all(loss.isfinite() for loss in losses)
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_answers_of_different_size_meet_at_the_smaller_one() -> None:
    student_logits, teacher_logits = drawn(1, 1, 4, 6, seed=0), drawn(1, 1, 2, 3, seed=1)

    first, second = at_smaller(student_logits, teacher_logits)

    torch.testing.assert_close(
        first[0, 0], torch.tensor(oracle.halved(student_logits[0, 0].tolist()))
    )
    assert second is teacher_logits
    assert at_smaller(teacher_logits, student_logits)[1].shape == teacher_logits.shape


@pytest.mark.parametrize("form", list(AdversarialForm))
def test_the_gain_follows_its_twin(form: AdversarialForm) -> None:
    loss = adversarial_loss(torch.tensor(1.7), form)

    assert float(loss) == pytest.approx(oracle.adversarial_loss(1.7, form), rel=1e-6)


def test_the_logarithmic_gain_has_the_linear_gradient_over_one_plus_the_discrepancy() -> None:
    images, teacher_logits = drawn(3, 4, seed=0).requires_grad_(), drawn(3, 4, seed=1)
    apart = absolute_discrepancy(images, teacher_logits).mean()

    linear, logarithmic = (
        torch.autograd.grad(adversarial_loss(apart, form), images, retain_graph=True)[0]
        for form in (AdversarialForm.LINEAR, AdversarialForm.LOGARITHMIC)
    )

    torch.testing.assert_close(logarithmic, linear / (1 + apart.detach()))


def test_confidence_follows_its_twins() -> None:
    logits = drawn(5, 4, seed=0)
    chosen = logits.argmax(dim=1)

    classes = one_hot_loss(logits, decided(logits, CLASSES), CLASSES)
    labels = one_hot_loss(logits, decided(logits, LABELS), LABELS)

    assert float(classes) == pytest.approx(
        oracle.one_hot_loss(logits.tolist(), chosen.tolist()), rel=1e-5
    )
    assert float(labels) == pytest.approx(oracle.label_one_hot_loss(logits.tolist()), rel=1e-5)


def test_confidence_of_pixels_is_their_mean() -> None:
    logits = drawn(2, 3, 2, 2, seed=0)
    pixels = logits.permute(0, 2, 3, 1).reshape(8, 3)

    loss = one_hot_loss(logits, decided(logits, PIXELS), PIXELS)

    torch.testing.assert_close(loss, one_hot_loss(pixels, decided(pixels, CLASSES), CLASSES))


@pytest.mark.parametrize("task", [CLASSES, LABELS])
def test_balance_follows_its_twin(task: TaskKind) -> None:
    logits = drawn(6, 4, seed=0)

    shares = label_shares(logits, task)

    twin = oracle.label_shares(logits.tolist(), task)
    torch.testing.assert_close(shares, torch.tensor(twin))
    assert float(balance_loss(shares)) == pytest.approx(oracle.balance_loss(twin), rel=1e-5)


def test_balance_is_least_where_all_labels_are_equally_frequent() -> None:
    even, odd = torch.full((4,), 0.25), torch.tensor([1.0, 0.0, 0.0, 0.0])

    assert float(balance_loss(even)) == pytest.approx(-torch.tensor(4.0).log().item())
    assert float(balance_loss(odd)) == 0


def test_evenness_goes_from_one_label_to_all_alike() -> None:
    assert evenness(torch.tensor([7.0, 0.0, 0.0])) == pytest.approx(0)
    assert evenness(torch.tensor([5.0, 5.0, 5.0])) == pytest.approx(1)
    assert evenness(torch.tensor([1.0, 2.0, 5.0])) == pytest.approx(oracle.evenness([1, 2, 5]))
    assert evenness(torch.tensor([3.0])) == 1


def test_the_largest_share_follows_its_twin() -> None:
    assert largest_share(torch.tensor([1.0, 2.0, 5.0])) == oracle.largest_share([1, 2, 5])
    assert largest_share(torch.zeros(3)) == 0


def test_decisions_are_counted_by_label() -> None:
    classes = counted(torch.tensor([[0, 2], [2, 2]]), 4, PIXELS)
    labels = counted(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), 2, LABELS)

    torch.testing.assert_close(classes, torch.tensor([1.0, 0.0, 3.0, 0.0]))
    torch.testing.assert_close(labels, torch.tensor([2.0, 1.0]))


def test_labels_that_are_asked_for_are_all_equally_likely() -> None:
    labels = drawn_labels(4000, 4, torch.Generator().manual_seed(0))

    assert labels.bincount().tolist() == pytest.approx([1000] * 4, abs=100)
