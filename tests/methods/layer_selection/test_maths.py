"""Inner products of features made again in blocks are those of the features at once."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from service.core.catalog.measurement import Centering, RankVariant
from tests.methods.oracles import layer_selection as oracle
from workers.methods.layer_selection.maths import WideFeatures, edges_of_wide
from workers.torchkit.similarity.edges import draw_edges
from workers.torchkit.similarity.wide_products import (
    centered_products,
    fit_in_memory,
    resident_probes,
    streamed_products,
)

FEATURES = torch.randn(13, 5000, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(13, dtype=torch.bool)
MASK[4] = False


def read(start: int, stop: int) -> Tensor:
    return (FEATURES * MASK.unsqueeze(1))[start:stop]


@pytest.mark.parametrize("resident", [1, 3, 4, 12, 13, 50])
def test_products_do_not_depend_on_how_many_probes_stay(resident: int) -> None:
    gram = streamed_products(read, 13, resident=resident)

    rows = read(0, 13).double()
    assert_close(gram, rows @ rows.T)


@pytest.mark.parametrize(("resident", "images"), [(13, 13), (8, 13 + 5), (4, 13 + 9 + 5 + 1)])
def test_probes_are_read_as_often_as_there_are_blocks_before_them(
    resident: int, images: int
) -> None:
    spans: list[tuple[int, int]] = []

    def noted(start: int, stop: int) -> Tensor:
        spans.append((start, stop))
        return read(start, stop)

    streamed_products(noted, 13, resident=resident)

    assert sum(stop - start for start, stop in spans) == images
    assert max(stop - start for start, stop in spans) <= resident


def test_products_are_centered_without_the_features() -> None:
    few = FEATURES[:, :7].double()

    centered = centered_products(few @ few.T, MASK)

    slow = oracle.centered_products(few.tolist(), MASK.tolist())
    assert_close(centered, torch.tensor(slow, dtype=torch.float64))


@pytest.mark.parametrize("centering", list(Centering))
@pytest.mark.parametrize("variant", list(RankVariant))
def test_wide_edges_are_exactly_those_of_the_features_at_once(
    centering: Centering, variant: RankVariant
) -> None:
    wide = edges_of_wide(WideFeatures(read, 3), MASK, centering=centering, variant=variant)

    whole = draw_edges(FEATURES, MASK, centering=centering, variant=variant)
    assert_close(wide.ranks, whole.ranks, rtol=0, atol=0)
    assert_close(wide.mask, whole.mask, rtol=0, atol=0)


def test_a_recomputed_constant_layer_has_constant_edges() -> None:
    def constant(start: int, stop: int) -> Tensor:
        return torch.full((stop - start, 100), 3.0)

    everywhere = torch.ones(9, dtype=torch.bool)
    wide = edges_of_wide(
        WideFeatures(constant, 2),
        everywhere,
        centering=Centering.CENTERED,
        variant=RankVariant.MIDRANK,
    )

    whole = draw_edges(torch.full((9, 100), 3.0), everywhere)
    assert wide.status is whole.status


def test_a_quarter_more_than_the_residents_fits_the_budget() -> None:
    resident = resident_probes(10_000, units=100)

    assert (resident + resident // 4) * 100 * 4 <= 10_000 < (resident + 2) * 1.25 * 100 * 4
    assert resident_probes(1, units=100, least=6) == 6


def test_the_narrowest_features_are_kept_first() -> None:
    assert fit_in_memory([50, 10, 30, 20], budget_bytes=65) == [False, True, True, True]
    assert fit_in_memory([50, 10], budget_bytes=9) == [False, False]
    assert fit_in_memory([], budget_bytes=9) == []
