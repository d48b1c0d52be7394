"""The last use of a key is recorded soon, rarely, and while no request waits for it."""

from datetime import datetime
from math import inf

from sqlalchemy import select

from service.container import Zoo
from service.core.operations.access import keys
from service.core.tables import KeyRecord
from service.key_uses import KeyUses
from tests.rest.served import client_of, serving
from tests.waiting import eventually


def new_key(zoo: Zoo) -> keys.NewKey:
    with zoo.transaction() as session:
        return keys.issue(session, project="default", name="a key", scopes=["admin"])


def last_use(zoo: Zoo, key_id: str) -> datetime | None:
    with zoo.transaction() as session:
        return session.scalars(select(KeyRecord.last_used_at).where(KeyRecord.id == key_id)).one()


def test_a_use_is_listed_over_the_api(zoo: Zoo):
    key, unused = new_key(zoo), new_key(zoo)
    with serving(zoo) as url, client_of(url, key.token) as client:
        eventually(lambda: client.get("/v1/keys").json()["items"][1]["last_used_at"])
        listed = {
            item["id"]: item["last_used_at"] for item in client.get("/v1/keys").json()["items"]
        }

    assert listed[unused.record.id] is None


def test_a_request_does_not_wait_until_its_use_is_recorded(zoo: Zoo):
    key = new_key(zoo)
    with serving(zoo) as url, client_of(url, key.token) as client:
        with zoo.transaction() as session:
            session.execute(select(KeyRecord).with_for_update())

            answer = client.get("/v1/models")

        assert answer.status_code == 200
        eventually(lambda: last_use(zoo, key.record.id))


def test_uses_within_the_interval_are_not_written_again(zoo: Zoo):
    key_id = new_key(zoo).record.id
    uses = KeyUses(zoo, interval_seconds=inf)
    uses.note(key_id)
    eventually(lambda: last_use(zoo, key_id))
    first = last_use(zoo, key_id)

    uses.note(key_id)
    uses.note(other := new_key(zoo).record.id)
    eventually(lambda: last_use(zoo, other))

    assert last_use(zoo, key_id) == first


def test_a_use_after_the_interval_is_written(zoo: Zoo):
    key_id = new_key(zoo).record.id
    uses = KeyUses(zoo, interval_seconds=0)
    uses.note(key_id)
    eventually(lambda: last_use(zoo, key_id))
    first = last_use(zoo, key_id)

    uses.note(key_id)

    eventually(lambda: last_use(zoo, key_id) != first)


def test_a_later_use_is_never_replaced_by_an_earlier_one(zoo: Zoo):
    key = new_key(zoo).record
    with zoo.transaction() as session:
        keys.record_uses(session, {key.id: 60.0})
    later = last_use(zoo, key.id)
    with zoo.transaction() as session:
        keys.record_uses(session, {key.id: 3600.0})

    assert later is not None
    assert last_use(zoo, key.id) == later
