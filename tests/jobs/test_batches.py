"""Many jobs are submitted with few statements, and share work as jobs submitted one by one do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import event, select

from service.container import Zoo
from service.core.catalog import Audience
from service.core.errors import InvalidRequestError, NotFoundError
from service.core.operations.jobs import jobs, lifecycle
from service.core.operations.jobs.jobs import JobOrder
from service.core.tables import DatasetRecord, JobDependencyRecord, JobEventRecord, JobRecord
from tests.jobs.builders import PROJECT, a_dataset, a_job

INPUTS = {"dataset_id": "dst_1"}


@pytest.fixture(autouse=True)
def dataset(zoo: Zoo) -> None:
    with zoo.transaction() as session:
        a_dataset(session)


def submitted(zoo: Zoo, orders: Sequence[JobOrder]) -> list[str]:
    with zoo.transaction() as session:
        return jobs.submit_many(
            session,
            project=PROJECT,
            method="dataset_ingestion",
            orders=orders,
            audience=Audience.INTERNAL,
        )


def keyed(*keys: str | None) -> list[JobOrder]:
    return [JobOrder(INPUTS, cache_key=key) for key in keys]


@contextmanager
def statements(zoo: Zoo) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(zoo.engine, "before_cursor_execute", note)
    yield sent
    event.remove(zoo.engine, "before_cursor_execute", note)


def test_jobs_come_in_the_order_of_their_orders_and_only_keys_are_shared(zoo: Zoo):
    with zoo.transaction() as session:
        active = a_job(session, cache_key="b").id

    job_ids = submitted(zoo, keyed("c", "b", None, "a", None, "c"))

    assert job_ids[1] == active
    assert job_ids[0] == job_ids[5]
    assert len(set(job_ids)) == 5
    with zoo.transaction() as session:
        keys = {job.id: job.cache_key for job in session.scalars(select(JobRecord))}
    assert [keys[job_id] for job_id in job_ids] == ["c", "b", None, "a", None, "c"]


def test_every_new_job_has_one_first_event_and_counts_on_from_it(zoo: Zoo):
    first, second = submitted(zoo, keyed("a", "b"))

    with zoo.transaction() as session:
        claimed = lifecycle.claim(
            session, worker="w", queues=("cpu",), lease_seconds=9, running_seconds=9, job_id=first
        )
        events = session.scalars(select(JobEventRecord).order_by(JobEventRecord.seq)).all()
        event_types = {job: [e.type for e in events if e.job_id == job] for job in (first, second)}
    assert claimed is not None
    assert event_types == {first: ["queued", "started"], second: ["queued"]}


def test_only_new_jobs_are_made_to_wait(zoo: Zoo):
    (other,) = submitted(zoo, keyed("other"))
    (shared,) = submitted(zoo, keyed("shared"))

    ids = submitted(zoo, [JobOrder(INPUTS, {}, key, [other]) for key in ("shared", "new")])

    with zoo.transaction() as session:
        waits = session.scalars(select(JobDependencyRecord)).all()
    assert ids[0] == shared
    assert [(wait.job_id, wait.depends_on) for wait in waits] == [(ids[1], other)]


def test_a_stranger_among_the_dependencies_stops_the_whole_batch(zoo: Zoo):
    with pytest.raises(NotFoundError, match="job_0"):
        submitted(zoo, [*keyed("a"), JobOrder(INPUTS, {}, "b", ["job_0"])])

    with zoo.transaction() as session:
        assert session.scalars(select(JobRecord)).all() == []


def test_a_finished_job_is_not_shared(zoo: Zoo):
    (first,) = submitted(zoo, keyed("a"))
    with zoo.transaction() as session:
        jobs.cancel(session, project=PROJECT, job_id=first)

    assert submitted(zoo, keyed("a")) != [first]


def test_ids_of_another_project_stop_the_whole_batch_with_a_pointer_to_each(zoo: Zoo):
    with zoo.transaction() as session:
        session.add(
            DatasetRecord(
                id="dst_2",
                project="elsewhere",
                name="theirs",
                manifest={},
                upload_sha256="0" * 64,
                upload_bytes=1,
            )
        )

    with pytest.raises(InvalidRequestError, match="there is no dataset dst_2") as refused:
        submitted(zoo, [*keyed("a"), JobOrder({"dataset_id": "dst_2"})])

    assert (refused.value.code, refused.value.remedy) == (
        "unknown_dataset",
        "see GET /v1/datasets",
    )
    assert [problem.pointer for problem in refused.value.errors] == ["/inputs/dataset_id"]
    with zoo.transaction() as session:
        assert session.scalars(select(JobRecord)).all() == []


def test_the_number_of_statements_does_not_grow_with_the_batch(zoo: Zoo):
    with statements(zoo) as few:
        submitted(zoo, keyed(*map(str, range(3))))
    with statements(zoo) as many:
        submitted(zoo, keyed(*map(str, range(300))))

    assert len(many) == len(few)


def test_batches_at_the_same_time_share_their_jobs_and_never_block_each_other(zoo: Zoo):
    keys = [f"{number:03}" for number in range(200)]
    batches: list[list[str]] = []

    def ask(order: list[str]) -> None:
        ids = dict(zip(order, submitted(zoo, keyed(*order)), strict=True))
        batches.append([ids[key] for key in keys])

    askers = [Thread(target=ask, args=(order,)) for order in (keys, keys[::-1]) * 3]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()

    assert len(batches) == 6
    assert all(batch == batches[0] for batch in batches)
    with zoo.transaction() as session:
        assert len(session.scalars(select(JobRecord.id)).all()) == len(keys)
