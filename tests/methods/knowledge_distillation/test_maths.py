"""The parts of the loss do what their slow twins do, and leave the teacher without gradients."""

import pytest
import torch

from tests.methods.oracles import knowledge_distillation as oracle
from workers.methods.knowledge_distillation.maths import (
    agreement,
    attention_loss,
    feature_loss,
    pooled,
    soft_target_loss,
)


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_targets_follow_their_twin(temperature: float) -> None:
    said, told = drawn(5, 7, seed=0), drawn(5, 7, seed=1)

    found = soft_target_loss(said, told, temperature=temperature)

    expected = oracle.soft_target_loss(said.tolist(), told.tolist(), temperature)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_saturated_logits_give_a_finite_loss_and_gradient() -> None:
    said = torch.tensor([[1e4, -1e4]], requires_grad=True)

    loss = soft_target_loss(said, -said.detach(), temperature=1.0)
    (gradient,) = torch.autograd.grad(loss, said)

    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_attention_follows_its_twin() -> None:
    seen, told = drawn(3, 4, 2, 3, seed=0), drawn(3, 6, 2, 3, seed=1)

    found = attention_loss(seen, told)

    expected = oracle.attention_loss(seen.tolist(), told.tolist())
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_attention_of_another_size_is_compared_at_the_smaller_one() -> None:
    told = drawn(2, 3, 4, 4, seed=0)
    finer = told.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    assert float(attention_loss(finer, told)) == pytest.approx(0, abs=1e-10)


def test_features_follow_their_twin() -> None:
    seen, told = drawn(3, 4, seed=0), drawn(3, 4, seed=1)

    found = feature_loss(seen, told)

    assert float(found) == pytest.approx(oracle.feature_loss(seen.tolist(), told.tolist()))


def test_agreement_follows_its_twin() -> None:
    said, told = drawn(40, 3, seed=0), drawn(40, 3, seed=1)

    found = agreement(said, told)

    assert float(found) == pytest.approx(oracle.agreement(said.tolist(), told.tolist()))


def test_maps_are_averaged_and_vectors_kept() -> None:
    maps, vectors = drawn(2, 3, 4, 4, seed=0), drawn(2, 5, seed=0)

    torch.testing.assert_close(pooled(maps), maps.flatten(2).mean(dim=2))
    torch.testing.assert_close(pooled(vectors), vectors)


def test_no_gradient_reaches_the_teacher() -> None:
    told, said = drawn(4, 3, seed=0).requires_grad_(), drawn(4, 3, seed=1).requires_grad_()

    loss = soft_target_loss(said, told, temperature=2.0) + feature_loss(said, told)
    torch.autograd.backward(loss)

    assert told.grad is None
    assert said.grad is not None
