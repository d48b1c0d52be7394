"""Samples show what whole tensors would: lengths, angles, zeros, grids."""

import pytest
import torch
from torch import Tensor

from service.core.families.comparison import compared, cosine
from service.core.families.sketch import trunk_keys
from tests.core.families.tensors import random_tensors, sketch
from workers.programs.weight_sketches import sketched_weight

SMALL = ((4, 5), (4, 4), (3, 4))


def test_tensors_of_128_entries_or_fewer_are_compared_exactly():
    first, second = random_tensors(0, SMALL), random_tensors(1, SMALL)

    comparison = compared(sketch(first), sketch(second))

    assert comparison is not None
    for pair, a, b in zip(comparison.pairs, first, second, strict=True):
        assert pair.cosine == pytest.approx(slow_cosine(a, b), abs=1e-5)
        longer = max(float(a.norm()), float(b.norm()))
        assert pair.distance == pytest.approx(float((b - a).norm()) / longer, abs=1e-5)
        grown = float(b.square().sum() - a.square().sum()) / float((b - a).square().sum())
        assert pair.growth == pytest.approx(grown, abs=1e-4)
        rows = [abs(slow_cosine(x, y)) for x, y in zip(a, b, strict=True)]
        assert pair.scaled_cosine == pytest.approx(sum(rows) / len(rows), abs=1e-5)


def slow_cosine(a: Tensor, b: Tensor) -> float:
    flat = list(zip(a.flatten().tolist(), b.flatten().tolist(), strict=True))
    lengths = sum(x * x for x, _ in flat) ** 0.5 * sum(y * y for _, y in flat) ** 0.5
    return sum(x * y for x, y in flat) / lengths


def test_a_sample_estimates_the_distance_of_large_tensors():
    first = [torch.randn(64, 64, 3, 3, generator=torch.Generator().manual_seed(0))] * 2
    step = torch.randn(64, 64, 3, 3, generator=torch.Generator().manual_seed(1))
    second = [first[0] + 0.5 * step] * 2

    comparison = compared(sketch(first), sketch(second))

    assert comparison is not None
    exact = float((second[0] - first[0]).norm() / second[0].norm())
    assert comparison.pairs[0].distance == pytest.approx(exact, rel=0.25)


def test_only_leading_tensors_of_the_same_shapes_are_matched():
    first = random_tensors(0, ((4, 5), (4, 4), (3, 4)))
    second = [*random_tensors(0, ((4, 5),)), *random_tensors(1, ((4, 3), (3, 4)))]

    comparison = compared(sketch(first), sketch(second))

    assert comparison is not None
    assert len(comparison.pairs) == 1
    assert not comparison.is_complete
    assert compared(sketch(first), sketch(second[1:])) is None


def test_vectors_without_length_have_an_angle_only_to_each_other():
    assert cosine([0.0], [0.0]) == 1
    assert cosine([0.0], [1.0]) == 0


def test_networks_share_a_key_if_half_of_their_shapes_agree():
    shapes = [(8, 3), (8, 8), (4, 8), (2, 4)]

    assert set(trunk_keys(shapes)) & set(trunk_keys([*shapes[:3], (9, 4)]))
    assert set(trunk_keys(shapes)) & set(trunk_keys([*shapes, (9, 4), (9, 9)]))
    assert not set(trunk_keys(shapes)) & set(trunk_keys([(8, 3), (9, 9), (4, 8), (2, 4)]))
    assert trunk_keys([]) == []


@pytest.mark.parametrize("largest", [127, 7])
def test_a_tensor_whose_rows_lie_on_grids_has_levels(largest: int):
    (tensor,) = random_tensors(0, ((16, 8, 3, 3),))
    steps = tensor.flatten(1).abs().amax(1).reshape(-1, 1, 1, 1) / largest

    rounded = (tensor / steps).round() * steps

    assert sketched_weight(tensor).levels is None
    levels = sketched_weight(rounded).levels
    assert levels is not None
    assert largest < levels <= 2 * largest + 1


def test_a_sketch_counts_zeros_and_recognizes_half_precision():
    (tensor,) = random_tensors(0, ((10, 10),))
    tensor[:3] = 0

    assert sketched_weight(tensor).zeros == pytest.approx(0.3)
    assert not sketched_weight(tensor).half
    assert sketched_weight(tensor.half().float()).half
    assert sketched_weight(tensor.bfloat16().float()).half


def test_excess_is_the_kurtosis_beyond_that_of_normal_numbers():
    tensor = torch.tensor([[1.0, -1.0], [1.0, -1.0]])

    assert sketched_weight(tensor).excess == pytest.approx(-2.0)
