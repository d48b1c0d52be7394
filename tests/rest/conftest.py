"""A served zoo for every test, with a key for everything."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from service.container import Zoo
from service.core.operations.access import keys
from service.job_events import EventListener
from tests.rest.served import PROJECT, Served, client_of, serving


@pytest.fixture
def served(zoo: Zoo) -> Iterator[Served]:
    """The test's zoo behind a socket."""
    with zoo.transaction() as session:
        first = keys.issue_first(session)
    assert first is not None
    with serving(zoo) as url, client_of(url, first.token) as client:
        served = Served(zoo, url, client, first.token)
        yield served
        for other in served.others:
            other.close()


@pytest.fixture(scope="module")
def shared(shared_zoo: Zoo) -> Iterator[Served]:
    """One zoo behind a socket for all tests of a module."""
    with shared_zoo.transaction() as session:
        token = keys.issue(session, project=PROJECT, name="a key", scopes=["admin"]).token
    with serving(shared_zoo) as url, client_of(url, token) as client:
        shared = Served(shared_zoo, url, client, token)
        yield shared
        for other in shared.others:
            other.close()


@pytest.fixture
def waited_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the jobs that requests have waited for, in request order."""
    ids: list[str] = []
    subscription = EventListener.subscription

    def noted(
        listener: EventListener, topic: str, wake: Callable[[], object]
    ) -> AbstractContextManager[None]:
        ids.append(topic)
        return subscription(listener, topic, wake)

    monkeypatch.setattr(EventListener, "subscription", noted)
    return ids
