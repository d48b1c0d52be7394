"""A rate rises and falls as its slow twin says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.oracles import reference_network as oracle
from workers.torchkit.training.schedules import warm_cosine


@given(st.floats(0, 1))
def test_the_warm_cosine_follows_its_twin_and_stays_a_share(progress: float) -> None:
    share = warm_cosine(progress)

    assert share == pytest.approx(oracle.share_of_peak(progress), abs=1e-12)
    assert 0 <= share <= 1
