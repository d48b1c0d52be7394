"""Every loss is that of its plain twin, moves what it should, and matches a calculation by hand."""

import math

import pytest
import torch

from service.core.catalog.dual_gan_amalgamation import TeacherFilter
from service.core.manifest import TaskKind
from tests.methods.oracles import dual_gan_amalgamation as oracle
from workers.methods.dual_gan_amalgamation import maths
from workers.methods.dual_gan_amalgamation.networks import Filter

MANY, ONE = TaskKind.MULTI_LABEL, TaskKind.CLASSIFICATION
WORDS = {MANY: "many", ONE: "one"}


def drawn(columns: int = 4, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, columns, generator=generator, dtype=torch.float64) * 2


@pytest.mark.parametrize("task", [MANY, ONE])
@pytest.mark.parametrize("name", ["one_hot_loss", "entropy_loss"])
def test_what_is_asked_of_answers_is_that_of_the_twin(name, task):
    loss = getattr(maths, name)(drawn(), task)

    expected = getattr(oracle, name)(drawn().tolist(), several=WORDS[task])
    assert float(loss) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["activation_loss", "discrete_loss"])
def test_what_is_asked_of_sizes_is_that_of_the_twin(name):
    loss = getattr(maths, name)(drawn())

    assert float(loss) == pytest.approx(getattr(oracle, name)(drawn().tolist()))


@pytest.mark.parametrize("task", [MANY, ONE])
def test_agreement_is_that_of_the_twin_and_least_where_both_are_alike(task):
    student_logits, teacher_logits = drawn(), drawn(seed=1)

    loss = maths.agreement_loss(student_logits, teacher_logits, task)

    expected = oracle.agreement_loss(
        student_logits.tolist(), teacher_logits.tolist(), several=WORDS[task]
    )
    assert float(loss) == pytest.approx(expected)
    assert maths.agreement_loss(teacher_logits, teacher_logits, task) < loss


@pytest.mark.parametrize("task", [MANY, ONE])
def test_agreement_moves_only_the_first_argument(task):
    student_logits, teacher_logits = drawn().requires_grad_(), drawn(seed=1).requires_grad_()

    maths.agreement_loss(student_logits, teacher_logits, task).backward()

    assert student_logits.grad is not None
    assert teacher_logits.grad is None


def test_distance_is_that_of_the_twin():
    student_logits, teacher_logits, scale = (
        drawn(),
        drawn(seed=1),
        torch.tensor([1.0, 2.0, 4.0, 8.0]).double(),
    )

    distance = maths.scaled_distance(student_logits, teacher_logits, scale)

    expected = oracle.scaled_distance(
        student_logits.tolist(), teacher_logits.tolist(), scale.tolist()
    )
    assert float(distance) == pytest.approx(expected)


@pytest.mark.parametrize("task", [MANY, ONE])
def test_entropy_is_least_where_labels_are_even(task):
    even = maths.entropy_loss(torch.eye(4).double() * 50 - 25, task)

    assert float(even) == pytest.approx(-math.log(4))
    assert maths.entropy_loss(drawn(), task) > even


def test_sure_answers_cost_nothing():
    for task in (MANY, ONE):
        assert float(maths.one_hot_loss(torch.eye(4) * 80 - 40, task)) == pytest.approx(0)


def test_counts_and_coverage_are_those_of_pencil_and_paper():
    logits = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])

    assert maths.cardinality(logits) == 1.5
    assert maths.coverage(torch.zeros(2, 3), MANY) == pytest.approx(1)
    assert maths.coverage(torch.zeros(2, 1), MANY) == 1.0


def test_a_filter_multiplies_channels_as_in_the_twin():
    channel_filter = Filter(4, (4, 2, 2), TeacherFilter.GATES, torch.Generator().manual_seed(0))
    maps = torch.rand(1, 4, 2, 2)

    filtered = channel_filter(maps)

    gates = channel_filter.gates(maps.mean(dim=(2, 3)))[0].tolist()
    torch.testing.assert_close(filtered[0], torch.tensor(oracle.filtered(maps[0].tolist(), gates)))


def test_a_filter_that_has_nothing_to_fit_leaves_maps_as_they_are():
    channel_filter = Filter(4, (4, 2, 2), TeacherFilter.NONE, torch.Generator().manual_seed(0))
    maps = torch.rand(1, 4, 2, 2)

    torch.testing.assert_close(channel_filter(maps), maps)
    assert list(channel_filter.parameters()) == []


def test_a_filter_brings_channels_and_sizes_to_what_is_taken():
    channel_filter = Filter(4, (6, 5, 3), TeacherFilter.GATES, torch.Generator().manual_seed(0))

    assert channel_filter(torch.rand(2, 4, 2, 2)).shape == (2, 6, 5, 3)
