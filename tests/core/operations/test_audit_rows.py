"""The audit log only grows: the database itself refuses everything but the deletion of old rows."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from service.container import Zoo
from service.core.operations.access import audit
from service.core.operations.access.audit import AuditEvent, AuditFilter
from service.core.tables import AuditApi, AuditRecord
from service.scheduler import expiry

DAY = 24 * 3600.0
EVENT = AuditEvent(api=AuditApi.REST, action="models.create", project="default")


def written(zoo: Zoo, *ages: float) -> None:
    with zoo.transaction() as session:
        audit.write(session, [EVENT] * len(ages), ages=ages)


def count(zoo: Zoo) -> int:
    with zoo.transaction() as session:
        return session.scalar(select(func.count()).select_from(AuditRecord)) or 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET action = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit (seq, api, action, ids) VALUES (1, 'rest', 'x', '{}')"
        " ON CONFLICT (seq) DO UPDATE SET action = 'x'",
    ],
)
def test_the_database_refuses_to_change_the_log(zoo: Zoo, statement: str):
    written(zoo, 0.0)

    with pytest.raises(ProgrammingError), zoo.transaction() as session:
        session.execute(text(statement))

    assert count(zoo) == 1


def test_only_rows_that_are_old_enough_are_deleted_in_batches(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
):
    written(zoo, *([366 * DAY] * 5), 364 * DAY, 0.0)
    monkeypatch.setattr(expiry, "AUDIT_ROWS_AT_ONCE", 2)

    expiry.remove_expired(zoo)

    assert count(zoo) == 2


def test_after_the_retention_the_same_transaction_deletes_nothing_else(zoo: Zoo):
    written(zoo, 400 * DAY, 0.0)

    with pytest.raises(ProgrammingError), zoo.transaction() as session:
        audit.delete_older(session, days=365, at_most=10)
        session.execute(text("DELETE FROM audit"))

    assert count(zoo) == 2


def test_pages_are_in_order_of_time_and_have_no_gaps(zoo: Zoo):
    written(zoo, *(float(age) for age in range(7, 0, -1)))
    pages, after = [], None

    with zoo.transaction() as session:
        while True:
            page = audit.page(session, where=AuditFilter("default"), after=after, limit=3)
            pages.append([row.at for row in page.items])
            after = page.next_after(len(page.items))
            if after is None:
                break

    times = [at for page in pages for at in page]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert times == sorted(times)


def test_a_period_begins_with_its_start_and_ends_before_its_end(zoo: Zoo):
    written(zoo, 30.0, 20.0, 10.0)
    with zoo.transaction() as session:
        first, second, third = session.scalars(select(AuditRecord).order_by(AuditRecord.at)).all()

        where = AuditFilter(None, since=second.at, until=third.at)
        page = audit.page(session, where=where, after=None, limit=10)

    assert [row.seq for row in page.items] == [second.seq]
    assert third.at - first.at > timedelta(seconds=19)
