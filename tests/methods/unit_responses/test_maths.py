"""Log-odds equal their slow twin, and the breadth counts directions."""

import pytest
import torch
from torch.testing import assert_close

from tests.methods.oracles import concepts as oracle
from workers.methods.unit_responses.maths import breadth, log_odds

GENERATOR = torch.Generator().manual_seed(0)


def test_log_odds_are_those_of_the_probabilities() -> None:
    logits = 3 * torch.randn(4, 5, generator=GENERATOR, dtype=torch.float64)

    slow = [[oracle.log_odds(row, unit) for unit in range(5)] for row in logits.tolist()]

    assert_close(log_odds(logits), torch.tensor(slow, dtype=torch.float64))


def test_log_odds_of_a_certain_class_stay_finite_and_ordered() -> None:
    certain = torch.tensor([[900.0, 0.0, 0.0], [950.0, 0.0, 0.0]], dtype=torch.float64)

    odds = log_odds(certain)

    assert bool(odds.isfinite().all())
    assert_close(odds[:, 0], torch.tensor([900.0, 950.0]).double() - torch.tensor(2.0).log())


def test_a_shift_of_all_logits_changes_no_response() -> None:
    logits = torch.randn(4, 5, generator=GENERATOR, dtype=torch.float64)

    assert_close(log_odds(logits), log_odds(logits + 17))


@pytest.mark.parametrize("directions", [1, 3])
def test_the_breadth_is_the_number_of_independent_equal_directions(directions: int) -> None:
    axes = torch.linalg.qr(torch.randn(40, directions + 1, generator=GENERATOR).double())[0]
    independent = axes[:, 1:] - axes[:, 1:].mean(0)
    independent = torch.linalg.qr(independent)[0]
    copies = torch.cat([independent * 3, -independent], dim=1)

    assert breadth(copies) == pytest.approx(directions, rel=1e-6)


def test_units_that_never_vary_or_vary_alike_have_no_breadth() -> None:
    certainty = torch.randn(6, 1, generator=GENERATOR, dtype=torch.float64).expand(6, 3)

    assert breadth(torch.ones(6, 3, dtype=torch.float64)) == 0
    assert breadth(certainty) == pytest.approx(0, abs=1e-9)
