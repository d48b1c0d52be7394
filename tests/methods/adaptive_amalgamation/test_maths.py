"""Every equation does what its slow twin does, also where answers know no doubt."""

import math

import pytest
import torch
from torch import Tensor

from tests.methods.oracles import adaptive_amalgamation as oracle
from workers.methods.adaptive_amalgamation.maths import (
    alignment_loss,
    at_one_size,
    bernoulli_closeness,
    closeness,
    most_confident,
    one_of,
    row_norm_loss,
    scaled_logits_loss,
    shared,
)
from workers.torchkit.training.temperatures import bernoulli_entropy, entropy, temperature_for

MEASURES = [entropy, bernoulli_entropy, closeness, bernoulli_closeness]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("measure", MEASURES)
def test_ambiguities_follow_their_twins(measure) -> None:
    logits = 3 * drawn(9, 4)

    ambiguity = measure(logits)

    expected = torch.tensor(getattr(oracle, measure.__name__)(logits.tolist()))
    torch.testing.assert_close(ambiguity, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("sure", [1e4, math.inf])
def test_an_answer_without_doubt_is_not_ambiguous(measure, sure: float) -> None:
    logits = torch.tensor([[sure, -sure, -sure]])
    if measure in (entropy, closeness) and math.isinf(sure):
        logits = torch.tensor([[0.0, -sure, -sure]])

    torch.testing.assert_close(measure(logits), torch.zeros(1), rtol=0, atol=0)


@pytest.mark.parametrize(("measure", "most"), [(entropy, math.log(5)), (closeness, 1.0)])
def test_an_answer_without_preference_is_most_ambiguous(measure, most: float) -> None:
    assert float(measure(torch.zeros(1, 5))) == pytest.approx(most)


def test_closeness_distinguishes_very_confident_outputs() -> None:
    values = closeness(torch.tensor([[30.0, 0.0, 0.0], [40.0, 0.0, 0.0]]))

    assert values[0] > values[1] > 0


def test_the_temperature_follows_its_twin() -> None:
    logits = 4 * drawn(20, 5)

    temperature = temperature_for(logits, 0.8, entropy)

    assert temperature == pytest.approx(oracle.temperature_for(logits.tolist(), 0.8), rel=3e-3)


def test_at_the_temperature_the_mean_is_the_one_asked_for() -> None:
    logits = 4 * drawn(20, 5)

    temperature = temperature_for(logits, 0.8, entropy)

    assert float(entropy(logits / temperature).mean()) == pytest.approx(0.8, abs=1e-4)


def test_of_equally_sure_sources_the_first_teaches() -> None:
    ambiguity = torch.tensor([[0.5, 0.0, 0.2], [0.1, 0.0, 0.2], [0.1, 0.0, 0.1]])

    weights = most_confident(ambiguity)

    assert weights.argmax(dim=0).tolist() == [1, 0, 2]
    torch.testing.assert_close(weights, torch.tensor(oracle.most_confident(ambiguity.tolist())))


def test_shares_follow_their_twin_and_sum_to_one() -> None:
    ambiguity = drawn(3, 6).abs()

    weights = shared(ambiguity, softness=0.2)

    torch.testing.assert_close(weights, torch.tensor(oracle.shared(ambiguity.tolist(), 0.2)))
    torch.testing.assert_close(weights.sum(dim=0), torch.ones(6))


def test_with_little_softness_shares_become_the_choice() -> None:
    ambiguity = drawn(3, 6).abs()

    torch.testing.assert_close(shared(ambiguity, softness=1e-4), most_confident(ambiguity))


def test_one_source_of_every_image_is_marked() -> None:
    one_hot = one_of(torch.tensor([1, 0, 1]), 2)

    torch.testing.assert_close(one_hot, torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))


def test_alignment_follows_its_twin() -> None:
    maps, weight, teacher_maps = drawn(2, 3, 2, 2), drawn(2, 3, seed=1), drawn(2, 2, 2, 2, seed=2)

    loss = alignment_loss(torch.nn.functional.conv2d(maps, weight[:, :, None, None]), teacher_maps)

    student_maps = [oracle.mapped(image_maps, weight.tolist()) for image_maps in maps.tolist()]
    assert float(loss) == pytest.approx(
        oracle.alignment_loss(student_maps, teacher_maps.tolist()), rel=1e-5
    )


def test_maps_meet_at_the_smaller_size() -> None:
    student_maps, teacher_maps = at_one_size(drawn(2, 3, 8, 4), drawn(2, 5, 4, 6))

    assert student_maps.shape == (2, 3, 4, 4)
    assert teacher_maps.shape == (2, 5, 4, 4)


def test_row_norms_follow_their_twin() -> None:
    weight = drawn(4, 3)

    loss = row_norm_loss(weight)

    assert float(loss) == pytest.approx(oracle.row_norm_loss(weight.tolist()), rel=1e-5)


def test_rows_of_length_one_cost_nothing_and_zeros_cost_one() -> None:
    assert float(row_norm_loss(torch.eye(3))) == 0
    assert float(row_norm_loss(torch.zeros(3, 3))) == 1


def test_logits_follow_their_twin() -> None:
    student_logits, teacher_logits = drawn(5, 3), drawn(5, 3, seed=1)

    loss = scaled_logits_loss(student_logits, teacher_logits, torch.tensor(1.7))

    expected = oracle.scaled_logits_loss(student_logits.tolist(), teacher_logits.tolist(), 1.7)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_no_gradient_reaches_the_logits_that_teach() -> None:
    student_logits, teacher_logits = (
        drawn(5, 3).requires_grad_(),
        drawn(5, 3, seed=1).requires_grad_(),
    )
    scale = torch.ones((), requires_grad=True)

    torch.autograd.backward(scaled_logits_loss(student_logits, teacher_logits, scale))

    assert teacher_logits.grad is None
    assert student_logits.grad is not None
    assert scale.grad is not None
