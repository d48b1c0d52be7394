"""The parts of the loss do what their slow twins do, and leave the teacher without gradients."""

import pytest
import torch

from tests.methods.oracles import knowledge_distillation as oracle
from workers.methods.knowledge_distillation.maths import (
    attention_loss,
    feature_loss,
    label_loss,
    pooled,
)


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_attention_follows_its_twin() -> None:
    student_maps, teacher_maps = drawn(3, 4, 2, 3, seed=0), drawn(3, 6, 2, 3, seed=1)

    loss = attention_loss(student_maps, teacher_maps)

    expected = oracle.attention_loss(student_maps.tolist(), teacher_maps.tolist())
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_attention_of_another_size_is_compared_at_the_smaller_one() -> None:
    teacher_maps = drawn(2, 3, 4, 4, seed=0)
    finer = teacher_maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    assert float(attention_loss(finer, teacher_maps)) == pytest.approx(0, abs=1e-10)


def test_features_follow_their_twin() -> None:
    student_features, teacher_features = drawn(3, 4, seed=0), drawn(3, 4, seed=1)

    loss = feature_loss(student_features, teacher_features)

    assert float(loss) == pytest.approx(
        oracle.feature_loss(student_features.tolist(), teacher_features.tolist())
    )


def test_labels_teach_the_images_that_have_one() -> None:
    logits, labels = drawn(4, 3, seed=0), torch.tensor([2, -1, 0, -1])

    loss = label_loss(logits, labels)

    assert float(loss) == pytest.approx(oracle.label_loss(logits.tolist(), labels.tolist()))
    assert float(label_loss(logits, torch.full((4,), -1))) == 0


def test_maps_are_averaged_and_vectors_kept() -> None:
    maps, vectors = drawn(2, 3, 4, 4, seed=0), drawn(2, 5, seed=0)

    torch.testing.assert_close(pooled(maps), maps.flatten(2).mean(dim=2))
    torch.testing.assert_close(pooled(vectors), vectors)


def test_no_gradient_reaches_the_teacher() -> None:
    teacher_features, student_features = (
        drawn(4, 3, seed=0).requires_grad_(),
        drawn(4, 3, seed=1).requires_grad_(),
    )

    loss = feature_loss(student_features, teacher_features)
    torch.autograd.backward(loss)

    assert teacher_features.grad is None
    assert student_features.grad is not None
