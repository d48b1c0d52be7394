"""Cached callers are no longer valid than their keys, and keys are valid until they expire."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.errors import UnauthenticatedError
from service.core.operations.access import keys
from service.core.operations.access.key_cache import KeyCache
from service.core.operations.access.keys import Caller, ValidKey
from service.core.tables import KeyRecord

CALLER = Caller("default", "key_1", frozenset({"read"}))


@pytest.fixture
def session(zoo: Zoo) -> Iterator[Session]:
    with zoo.transaction() as session:
        yield session


def test_a_caller_is_cached_for_a_while():
    cache = KeyCache(seconds=inf)

    cache.store("zoo_a", ValidKey(CALLER, inf))

    assert cache.fresh("zoo_a") == CALLER
    assert cache.fresh("zoo_b") is None


def test_a_caller_is_not_cached_beyond_the_expiry_of_its_key():
    cache = KeyCache(seconds=inf)

    cache.store("zoo_a", ValidKey(CALLER, -1.0))

    assert cache.fresh("zoo_a") is None


def test_the_cache_remembers_valid_tokens_until_they_are_removed():
    cache = KeyCache(seconds=-1.0)
    cache.store("zoo_a", ValidKey(CALLER, inf))

    assert cache.was_valid("zoo_a")
    cache.remove("zoo_a")

    assert not cache.was_valid("zoo_a")
    assert cache.fresh("zoo_a") is None


def test_the_oldest_callers_leave_a_full_cache():
    cache = KeyCache(seconds=inf, size=2)

    for token in "abc":
        cache.store(token, ValidKey(CALLER, inf))

    assert [cache.was_valid(token) for token in "abc"] == [False, True, True]


def test_a_key_is_valid_for_the_seconds_that_are_left(session: Session):
    tomorrow = datetime.now(tz=UTC) + timedelta(days=1)
    forever = keys.issue(session, project="a", name="k", scopes=["read"])
    limited = keys.issue(session, project="a", name="k", scopes=["read"], expires_at=tomorrow)

    assert keys.valid_key(session, token=forever.token).seconds_left == inf
    assert 0 < keys.valid_key(session, token=limited.token).seconds_left <= 86_400 + 60


def test_an_expired_key_is_refused_in_the_words_for_a_wrong_one(session: Session):
    issued = keys.issue(session, project="a", name="k", scopes=["read"])
    session.execute(update(KeyRecord).values(expires_at=func.clock_timestamp()))

    refusals = []
    for token in (issued.token, issued.token[:-1] + "_", "zoo_1_2"):
        with pytest.raises(UnauthenticatedError) as refused:
            keys.valid_key(session, token=token)
        refusals.append((refused.value.code, refused.value.detail, refused.value.remedy))

    assert len(set(refusals)) == 1


def test_a_zoo_without_a_valid_operator_gets_a_new_first_key(session: Session):
    first = keys.issue_first(session)
    assert first is not None
    keys.issue(session, project="default", name="k", scopes=["admin"])
    assert keys.issue_first(session) is None

    keys.revoke(session, project="default", key_id=first.record.id)
    second = keys.issue_first(session)
    assert second is not None
    session.execute(
        update(KeyRecord)
        .where(KeyRecord.id == second.record.id)
        .values(expires_at=func.clock_timestamp())
    )

    assert keys.issue_first(session) is not None
    assert session.scalar(select(func.count()).select_from(KeyRecord)) == 4
