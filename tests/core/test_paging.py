"""Page tokens lead on, and cannot be forged, bent to another list, or broken into a crash."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidRequestError
from service.core.home_secrets import Purpose, home_secret
from service.core.paging import PageTokens

TOKENS = PageTokens(b"secret")


@given(after=st.text(max_size=50).filter(lambda text: text.isprintable()), scope=st.text())
def test_a_token_gives_back_what_it_was_made_of(after: str, scope: str):
    token = TOKENS.make(after, scope=[scope])

    assert TOKENS.read(token, scope=[scope]) == after


@given(token=st.text(max_size=80))
def test_no_text_is_a_token_by_chance(token: str):
    with pytest.raises(InvalidRequestError):
        TOKENS.read(token, scope=[])


def test_tokens_of_another_list_or_secret_are_refused():
    token = TOKENS.make("mdl_1", scope=["default", "models"])

    for tokens, scope in (
        (TOKENS, ["other", "models"]),
        (PageTokens(b"x"), ["default", "models"]),
    ):
        with pytest.raises(InvalidRequestError):
            tokens.read(token, scope=scope)


def test_the_end_of_a_list_has_no_token():
    assert TOKENS.make(None, scope=[]) is None
    assert TOKENS.read(None, scope=[]) is None


def test_the_secret_is_made_once_and_is_private(tmp_path: Path):
    first = home_secret(tmp_path / "home", Purpose.PAGE_TOKENS)

    assert home_secret(tmp_path / "home", Purpose.PAGE_TOKENS) == first
    assert (tmp_path / "home" / "page_token_secret").stat().st_mode & 0o077 == 0
