"""Every relation is recognized by its rule, with its direction where the weights show it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from service.core.families.comparison import compared
from service.core.families.relation import Ancestor, Judgment, Relation, judged
from service.core.families.sketch import Sketch
from tests.core.families.tensors import random_tensors, sketch


def relation(first: Sketch, second: Sketch) -> Judgment | None:
    comparison = compared(first, second)
    assert comparison is not None
    return judged(comparison)


@pytest.fixture
def tensors() -> list[Tensor]:
    return random_tensors(0)


def test_the_same_program_is_a_copy_and_the_same_weights_elsewhere_are_re_exported(tensors):
    copy = relation(sketch(tensors), sketch(tensors))
    other = relation(sketch(tensors), sketch(tensors, program="other"))

    assert copy is not None
    assert other is not None
    assert (copy.relation, copy.ancestor, copy.near) == (Relation.COPY, Ancestor.UNKNOWN, True)
    assert (other.relation, other.near) == (Relation.RE_EXPORTED, True)


def test_folded_normalizations_are_a_re_export(tensors):
    folded = [tensor * (1 + torch.rand(len(tensor))).reshape(-1, *[1] * (tensor.ndim - 1)) for tensor in tensors[:-1]]  # fmt: skip

    judgment = relation(sketch(tensors), sketch([*folded, tensors[-1]], others=3))

    assert judgment is not None
    assert (judgment.relation, judgment.near) == (Relation.RE_EXPORTED, True)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_descends_from_the_full_one(tensors, kind):
    rounded = [tensor.to(kind).float() for tensor in tensors]

    judgment = relation(sketch(tensors), sketch(rounded))
    reverse = relation(sketch(rounded), sketch(tensors))

    assert judgment is not None
    assert reverse is not None
    assert (judgment.relation, judgment.ancestor) == (Relation.HALF_PRECISION, Ancestor.FIRST)
    assert reverse.ancestor is Ancestor.SECOND
    assert judgment.near


@pytest.mark.parametrize(("largest", "near"), [(127, True), (7, False)])
def test_a_grid_descends_from_what_it_rounds(tensors, largest, near):
    rounded = []
    for tensor in tensors:
        steps = tensor.flatten(1).abs().amax(1).reshape(-1, *[1] * (tensor.ndim - 1)) / largest
        rounded.append((tensor / steps).round() * steps)

    judgment = relation(sketch(tensors), sketch(rounded))

    assert judgment is not None
    assert (judgment.relation, judgment.ancestor) == (Relation.QUANTIZED, Ancestor.FIRST)
    assert judgment.near is near


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_pruned_network_descends_from_the_dense_one(tensors, share):
    pruned = [tensor * (tensor.abs() > tensor.abs().quantile(share)) for tensor in tensors]

    judgment = relation(sketch(pruned), sketch(tensors))

    assert judgment is not None
    assert (judgment.relation, judgment.ancestor) == (Relation.PRUNED, Ancestor.SECOND)
    assert not judgment.near


def test_another_head_on_equal_weights_shares_the_backbone(tensors):
    head = random_tensors(1, ((9, 16),))

    judgment = relation(sketch(tensors), sketch([*tensors[:-1], *head]))

    assert judgment is not None
    assert (judgment.relation, judgment.ancestor) == (Relation.SHARES_BACKBONE, Ancestor.UNKNOWN)


def test_weights_that_moved_a_little_are_fine_tuned(tensors):
    moved = [a + 0.1 * b for a, b in zip(tensors, random_tensors(1), strict=True)]

    judgment = relation(sketch(tensors), sketch(moved))

    assert judgment is not None
    assert judgment.relation is Relation.FINE_TUNED
    assert not judgment.near


def test_other_scales_and_statistics_on_equal_weights_are_fine_tuned(tensors):
    tuned = replace(sketch(tensors, program="other"), contents="f" * 64)

    judgment = relation(sketch(tensors), tuned)

    assert judgment is not None
    assert judgment.relation is Relation.FINE_TUNED


def test_strangers_of_one_architecture_are_not_related(tensors):
    assert relation(sketch(tensors), sketch(random_tensors(1))) is None


def test_a_descendant_is_longer_by_about_what_it_moved(tensors):
    moved = [a + 0.5 * b for a, b in zip(tensors, random_tensors(1), strict=True)]

    forward = relation(sketch(tensors), sketch(moved))
    backward = relation(sketch(moved), sketch(tensors))

    assert forward is not None
    assert backward is not None
    assert (forward.relation, forward.ancestor) == (Relation.FINE_TUNED, Ancestor.FIRST)
    assert (backward.relation, backward.ancestor) == (Relation.FINE_TUNED, Ancestor.SECOND)
    assert "longer" in forward.reason


@pytest.mark.parametrize(("step", "expected"), [(0.3, Relation.FINE_TUNED), (1.0, Relation.UNKNOWN)])  # fmt: skip
def test_siblings_have_no_direction(tensors, step, expected):
    first, second = (
        [a + step * b for a, b in zip(tensors, random_tensors(seed), strict=True)]
        for seed in (1, 2)
    )

    judgment = relation(sketch(first), sketch(second))

    assert judgment is not None
    assert (judgment.relation, judgment.ancestor) == (expected, Ancestor.UNKNOWN)
