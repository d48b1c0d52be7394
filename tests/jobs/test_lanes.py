"""Short jobs never wait behind long ones, and no project waits behind another's many jobs."""

from collections.abc import Collection
from typing import Any

import pytest
from sqlalchemy import ColumnElement

from service.container import Zoo
from service.core.catalog import Audience, JobLane, MethodKind, all_methods
from service.core.ids import IdKind, new_id
from service.core.operations.jobs import jobs, lifecycle
from service.core.operations.jobs.lanes import SHORT_METHODS, is_short, lane_of
from service.core.tables import JobRecord, JobState
from tests.jobs.builders import PROJECT
from tests.rest.served import a_dataset, a_model
from workers.worker.lanes import ClaimedJob, JobLanes

MOST_FLOPS = 10**9
LONG, SHORT = "reference_network", "dataset_ingestion"


def submitted(zoo: Zoo, method: str, *, project: str = PROJECT, priority: int = 0) -> str:
    with zoo.transaction() as session:
        inputs = {"dataset_id": a_dataset(zoo, session, project=project).id}
        if method == LONG:
            inputs["model_id"] = a_model(session, project=project).id
        return jobs.submit(
            session,
            project=project,
            method=method,
            inputs=inputs,
            priority=priority,
            audience=Audience.INTERNAL,
        ).id


def claim(zoo: Zoo, only: ColumnElement[bool] | None = None) -> JobRecord | None:
    with zoo.transaction() as session:
        return lifecycle.claim(
            session,
            worker="w",
            queues=("cpu",),
            lease_seconds=30,
            running_seconds=3600,
            method_seconds={SHORT: 60},
            only=only,
        )


def claim_through(zoo: Zoo, lanes: JobLanes) -> ClaimedJob | None:
    def of(open_lanes: Collection[JobLane]) -> ClaimedJob | None:
        condition = None if JobLane.LONG in open_lanes else is_short(most_flops=MOST_FLOPS)
        job = claim(zoo, condition)
        if job is None:
            return None
        with zoo.transaction() as session:
            return ClaimedJob(job, lane_of(session, job, most_flops=MOST_FLOPS))

    return lanes.claim(of)


def test_the_last_slot_takes_short_jobs_only(zoo: Zoo):
    lanes = JobLanes(2)
    first, second = submitted(zoo, LONG), submitted(zoo, LONG)
    running = claim_through(zoo, lanes)
    assert (running and running.job.id) == first
    assert claim_through(zoo, lanes) is None
    short = submitted(zoo, SHORT)

    validated = claim_through(zoo, lanes)

    assert (validated and validated.job.id) == short
    lanes.ended(running)
    following = claim_through(zoo, lanes)
    assert (following and following.job.id) == second


def named(model_id: str) -> dict[str, Any]:
    """Inputs that name a model on every level."""
    return {"model_id": model_id, "nested": {"model_ids": [model_id]}}


@pytest.mark.parametrize(
    ("method", "model", "lane"),
    [
        ("depara", {"flops": 2 * MOST_FLOPS}, JobLane.LONG),
        ("depara", {"flops": MOST_FLOPS}, JobLane.SHORT),
        ("attribution_map", {"flops": 2 * MOST_FLOPS}, JobLane.LONG),
        ("model_validation", {"flops": None, "upload_bytes": 2**30}, JobLane.LONG),
        ("model_validation", {"flops": None, "upload_bytes": 2**20}, JobLane.SHORT),
        ("ranking", {"flops": 2 * MOST_FLOPS}, JobLane.SHORT),
    ],
)
def test_a_job_that_runs_a_large_network_never_takes_the_last_slot(
    zoo: Zoo, method: str, model: dict[str, Any], lane: JobLane
):
    lanes = JobLanes(2)
    submitted(zoo, LONG)
    assert claim_through(zoo, lanes)
    with zoo.transaction() as session:
        # Another project's network with the same name in a text changes nothing.
        a_model(session, project="another", flops=2 * MOST_FLOPS)
        dataset_id = a_dataset(zoo, session).id
        model_id = a_model(session, **model).id
        job = JobRecord(
            id=new_id(IdKind.JOB), project=PROJECT, method=method, method_version=1,
            state=JobState.QUEUED, params={}, progress={}, queue="cpu",
            inputs={"dataset_id": dataset_id, "ranking_id": "rnk_0", **named(model_id)},
        )  # fmt: skip
        session.add(job)

    claimed = claim_through(zoo, lanes)

    assert (claimed is None) == (lane is JobLane.LONG)
    lanes = JobLanes(2)
    claimed = claimed or claim_through(zoo, lanes)
    assert claimed
    assert claimed.lane is lane


def test_short_jobs_fill_every_slot_and_leave_the_long_one_its_own(zoo: Zoo):
    lanes = JobLanes(2)
    for _ in range(2):
        submitted(zoo, SHORT)
    assert claim_through(zoo, lanes)
    assert claim_through(zoo, lanes)
    long = submitted(zoo, LONG)

    running = claim_through(zoo, lanes)

    assert (running and running.job.id) == long


def test_a_single_slot_takes_every_job(zoo: Zoo):
    long = submitted(zoo, LONG)

    running = claim_through(zoo, JobLanes(1))

    assert (running and running.job.id) == long


def test_the_project_that_runs_fewest_is_served_first(zoo: Zoo):
    busy = [submitted(zoo, SHORT, project="busy", priority=5) for _ in range(3)]
    quiet = [submitted(zoo, SHORT, project="quiet") for _ in range(2)]

    order = [claim(zoo).id for _ in range(5)]

    assert order == [busy[0], quiet[0], busy[1], quiet[1], busy[2]]


def test_each_method_has_its_own_deadline(zoo: Zoo):
    submitted(zoo, SHORT)
    submitted(zoo, LONG)

    short, long = claim(zoo), claim(zoo)

    assert round((short.deadline_at - short.started_at).total_seconds()) == 60
    assert round((long.deadline_at - long.started_at).total_seconds()) == 3600


@pytest.mark.parametrize("spec", all_methods(), ids=lambda spec: spec.name)
def test_trainings_are_long_and_everything_else_has_a_limit(spec):
    is_training = spec.kind in (
        MethodKind.TRAINING,
        MethodKind.READER_TRAINING,
        MethodKind.CASCADE_TRAINING,
        MethodKind.REFERENCE_NETWORK,
    )

    assert (spec.lane is JobLane.LONG) == is_training
    assert (spec.time_limit_seconds is None) == is_training
    assert (spec.name in SHORT_METHODS) != is_training
