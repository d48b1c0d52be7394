"""Every attribution method has a name for people."""

import pytest

from service.core.catalog.measurement import Attribution


@pytest.mark.parametrize("attribution", Attribution)
def test_no_picture_shows_a_short_name(attribution: Attribution):
    assert attribution.full_name
    assert "_" not in attribution.full_name
    assert Attribution.GRADIENT_X_INPUT.full_name == "gradient × input"
