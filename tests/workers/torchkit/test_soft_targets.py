"""Answers are compared as their slow twins do, and the teacher's get no gradient."""

import pytest
import torch

from tests.methods.oracles import knowledge_distillation as oracle
from workers.torchkit.training.soft_targets import soft_label_loss, soft_target_loss


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_targets_follow_their_twin(temperature: float) -> None:
    student_logits, teacher_logits = drawn(5, 7, seed=0), drawn(5, 7, seed=1)

    loss = soft_target_loss(student_logits, teacher_logits, temperature=temperature)

    expected = oracle.soft_target_loss(
        student_logits.tolist(), teacher_logits.tolist(), temperature
    )
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_saturated_logits_give_a_finite_loss_and_gradient() -> None:
    student_logits = torch.tensor([[1e4, -1e4]], requires_grad=True)

    loss = soft_target_loss(student_logits, -student_logits.detach(), temperature=1.0)
    (gradient,) = torch.autograd.grad(loss, student_logits)

    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_soft_targets_of_pixels_are_their_mean() -> None:
    student_logits, teacher_logits = drawn(2, 3, 4, 5, seed=0), drawn(2, 3, 4, 5, seed=1)

    loss = soft_target_loss(student_logits, teacher_logits, temperature=2.0)

    rows = [logits.movedim(1, -1).reshape(-1, 3) for logits in (student_logits, teacher_logits)]
    torch.testing.assert_close(loss, soft_target_loss(rows[0], rows[1], temperature=2.0))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_soft_labels_follow_their_twin(temperature: float) -> None:
    student_logits, teacher_logits = drawn(5, 4, seed=0), drawn(5, 4, seed=1)

    loss = soft_label_loss(student_logits, teacher_logits, temperature=temperature)

    expected = oracle.soft_label_loss(
        student_logits.tolist(), teacher_logits.tolist(), temperature
    )
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [soft_target_loss, soft_label_loss])
def test_no_gradient_reaches_the_teacher(loss) -> None:
    student_logits, teacher_logits = (drawn(3, 4, seed=seed).requires_grad_() for seed in (0, 1))

    loss(student_logits, teacher_logits, temperature=2.0).backward()

    assert student_logits.grad is not None
    assert teacher_logits.grad is None
