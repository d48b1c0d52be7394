"""Resemblance, areas under curves and their intervals equal slow twins and cases done by hand."""

import pytest
import torch
from torch.testing import assert_close

from tests.methods.oracles import concepts as oracle
from workers.methods.concept_search.maths import (
    auc_intervals,
    directions,
    effective_number,
    resemblance,
    weighted_aucs,
)

GENERATOR = torch.Generator().manual_seed(0)


def weights(count: int) -> torch.Tensor:
    drawn = torch.rand(count, generator=GENERATOR, dtype=torch.float64)
    drawn[::3] = 0
    return drawn / drawn.sum()


def test_weighted_areas_are_sums_over_all_pairs_with_ties_counted_half() -> None:
    responses = torch.randint(0, 4, (9, 5), generator=GENERATOR).double()
    positives, negatives = weights(9), weights(9)

    areas = weighted_aucs(responses, positives, negatives)

    slow = [
        oracle.auc(responses[:, unit].tolist(), positives.tolist(), negatives.tolist())
        for unit in range(5)
    ]
    assert_close(areas, torch.tensor(slow, dtype=torch.float64))


def test_a_unit_that_ranks_every_positive_first_has_the_area_one_and_a_constant_one_half() -> None:
    responses = torch.tensor([[3.0, 1.0], [2.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    first = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    last = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)

    assert weighted_aucs(responses, first, last).tolist() == [1.0, 0.5]
    assert weighted_aucs(responses, last, first).tolist() == [0.0, 0.5]


def test_an_image_resembles_the_probes_with_the_greatest_cosine() -> None:
    images = torch.randn(4, 3, generator=GENERATOR, dtype=torch.float64)
    probes = torch.randn(11, 3, generator=GENERATOR, dtype=torch.float64)

    weights_of = resemblance(images, probes, neighbors=3)

    for image, row in zip(images, weights_of, strict=True):
        chosen = oracle.nearest(image.tolist(), probes.tolist(), 3)
        assert set(row.nonzero().flatten().tolist()) == chosen
    assert_close(weights_of.sum(1), torch.ones(4, dtype=torch.float64))


def test_directions_do_not_depend_on_scale_and_offset_of_a_unit() -> None:
    probes = torch.randn(20, 3, generator=GENERATOR, dtype=torch.float64)
    images = torch.randn(2, 3, generator=GENERATOR, dtype=torch.float64)
    constant = torch.ones(20, 1, dtype=torch.float64)

    plain = directions(images, probes)
    scaled = directions(
        torch.cat([images * 7 - 2, images[:, :1]], 1), torch.cat([probes * 7 - 2, constant], 1)
    )

    assert_close(plain, scaled)
    assert_close(plain.sum(1), torch.zeros(2, dtype=torch.float64))


def test_directions_do_not_depend_on_how_certain_a_network_is() -> None:
    probes = torch.randn(20, 3, generator=GENERATOR, dtype=torch.float64)
    scaled = (probes - probes.mean(0)) / probes.std(0, correction=0)

    assert_close(directions(scaled[:2] + 5, scaled), directions(scaled[:2], scaled))


@pytest.mark.parametrize("area", [0.0, 0.3, 0.85, 1.0])
@pytest.mark.parametrize(("positives", "negatives"), [(5.0, 20.0), (50.0, 340.0)])
def test_an_interval_holds_exactly_the_areas_that_are_not_too_far(
    area: float, positives: float, negatives: float
) -> None:
    low, high = auc_intervals(
        torch.tensor([area], dtype=torch.float64), positives=positives, negatives=negatives
    )

    steps = torch.linspace(0, 1, 4001, dtype=torch.float64).tolist()
    inside = [step for step in steps if oracle.is_inside(step, area, positives, negatives)]
    assert float(low) == pytest.approx(inside[0], abs=1e-3)
    assert float(high) == pytest.approx(inside[-1], abs=1e-3)


def test_few_images_make_the_interval_of_a_perfect_area_wide() -> None:
    perfect = torch.ones(1, dtype=torch.float64)

    (few, _), (many, _) = (
        auc_intervals(perfect, positives=count, negatives=340.0) for count in (5.0, 50.0)
    )

    assert float(few) < 0.93
    assert float(many) > 0.98


def test_equal_weights_count_every_image_and_one_weight_counts_one() -> None:
    assert effective_number(torch.full((8,), 0.125, dtype=torch.float64)) == pytest.approx(8)
    assert effective_number(torch.tensor([1.0, 0, 0], dtype=torch.float64)) == pytest.approx(1)
