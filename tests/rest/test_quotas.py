"""Quotas of projects: typed refusals, no race, and jobs that wait instead of being refused."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from service.container import Zoo
from service.core.errors import TooLargeError
from service.core.operations.jobs import reaper
from service.core.operations.quotas import limits
from service.core.operations.quotas.admission import within
from service.core.operations.quotas.limits import Quota
from service.core.tables import (
    JobRecord,
    JobRunRecord,
    JobState,
    ModelRecord,
    QuotaRecord,
)
from tests.rest.full_projects import (
    CROWD,
    a_job,
    claimed,
    finished,
    limit,
    pushed,
    together,
    use,
)
from tests.rest.served import IMAGES, MANIFEST, PROJECT, Served, a_dataset, a_model, archive


def test_without_quotas_everything_is_unlimited(served: Served):
    items = served.client.get("/v1/quotas").json()["items"]

    assert [item["quota"] for item in items] == [quota.value for quota in Quota]
    assert [item.get("limit") for item in items] == [None] * len(Quota)


def test_a_full_project_is_refused_with_the_numbers_and_the_remedy(served: Served):
    limit(served.zoo, models=1)

    first, second = pushed(served.client), pushed(served.client)

    problem = second.json()
    assert (first.status_code, second.status_code) == (201, 413)
    assert problem["code"] == "quota_exceeded"
    assert problem["quota"] == {"quota": "models", "limit": 1, "used": 1, "requested": 1}
    assert "operator" in problem["remedy"]
    assert use(served, "models")["used"] == 1


def test_what_is_deleted_no_longer_counts(served: Served):
    limit(served.zoo, models=1)
    model = pushed(served.client).json()

    deleted = served.client.delete(
        f"/v1/models/{model['id']}", headers={"If-Match": model["etag"]}
    )

    assert deleted.status_code == 204, deleted.text
    assert pushed(served.client).status_code == 201


def test_projects_do_not_use_each_others_quotas(served: Served):
    limit(served.zoo, models=0)
    other = served.with_scopes("admin", project="other")

    assert pushed(other).status_code == 201
    assert pushed(served.client).status_code == 413
    assert use(served, "models", other)["used"] == 1


def test_announced_bytes_count_before_they_arrive(served: Served):
    limit(served.zoo, bytes=100)

    statuses = [
        served.client.post("/v1/uploads", json={"size": size}).status_code for size in (60, 60, 40)
    ]

    assert statuses == [201, 413, 201]
    assert use(served, "bytes")["used"] == 100


def test_one_upload_cannot_become_many_models(served: Served):
    data = archive()
    limit(served.zoo, bytes=len(data) + 10)
    upload = served.client.post("/v1/uploads", json={"size": len(data)}).json()["id"]
    headers = {"Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    served.client.patch(f"/v1/uploads/{upload}", content=data, headers=headers)

    answers = [
        served.client.post("/v1/models", json={**MANIFEST, "upload_id": upload}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 409]
    assert use(served, "models")["used"] == 1


def test_images_count_when_they_have_been_read(served: Served):
    limit(served.zoo, images=IMAGES + 1)
    with served.zoo.transaction() as session:
        a_dataset(served.zoo, session)

    with pytest.raises(TooLargeError) as refused, served.zoo.transaction() as session:
        second = a_dataset(served.zoo, session, images=None)
        with within(session, PROJECT, Quota.IMAGES):
            second.images = 2

    assert refused.value.quota is not None
    assert refused.value.quota.used == IMAGES
    assert use(served, "images")["used"] == IMAGES


def test_a_crowd_of_uploads_cannot_pass_the_limit_together(served: Served):
    limit(served.zoo, models=5)

    statuses = together(lambda _: pushed(served.client).status_code)

    with served.zoo.transaction() as session:
        stored = session.scalar(select(func.count()).select_from(ModelRecord))
    assert sorted(statuses) == [201] * 5 + [413] * (CROWD - 5)
    assert stored == 5


def test_a_crowd_of_submitters_cannot_pass_the_limit_together(served: Served):
    with served.zoo.transaction() as session:
        dataset = a_dataset(served.zoo, session).id
        models = [a_model(session).id for _ in range(CROWD)]
    limit(served.zoo, queued_jobs=4)

    def submit(number: int) -> httpx.Response:
        inputs = {"model_id": models[number], "dataset_id": dataset}
        return served.client.post("/v1/jobs", json={"method": "depara", "inputs": inputs})

    answers = together(submit)

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == CROWD - 4
    assert {answer.json()["code"] for answer in refused} == {"quota_exceeded"}
    assert {answer.json()["quota"]["quota"] for answer in refused} == {"queued_jobs"}
    assert use(served, "queued_jobs")["used"] == 4


def test_an_upload_is_refused_whole_when_its_check_cannot_be_queued(served: Served):
    limit(served.zoo, queued_jobs=0)

    assert pushed(served.client).status_code == 429

    with served.zoo.transaction() as session:
        assert session.scalars(select(ModelRecord)).all() == []


def test_a_retried_job_counts_again(served: Served):
    job = a_job(served.zoo)
    served.client.post(f"/v1/jobs/{job}:cancel")
    limit(served.zoo, queued_jobs=0)

    answer = served.client.post(f"/v1/jobs/{job}:retry")

    assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")


def test_jobs_of_a_full_project_wait_while_others_run(zoo: Zoo):
    oldest, next_oldest, foreign = a_job(zoo), a_job(zoo), a_job(zoo, "other")
    limit(zoo, running_jobs=1)

    claims = [claimed(zoo), claimed(zoo), claimed(zoo)]
    assert claims[0] is not None
    finished(zoo, claims[0])
    claims.append(claimed(zoo))

    ids = [None if job is None else job.id for job in claims]
    assert ids == [oldest, foreign, None, next_oldest]


def test_a_crowd_of_workers_cannot_pass_the_limit_together(zoo: Zoo):
    for _ in range(CROWD):
        a_job(zoo)
    limit(zoo, running_jobs=3)

    held = together(lambda _: claimed(zoo))

    with zoo.transaction() as session:
        running = select(func.count()).where(JobRecord.state == JobState.RUNNING)
        assert session.scalar(running) == 3
    assert sum(job is not None for job in held) == 3


def ran(zoo: Zoo, *, ago: float, seconds: float) -> None:
    """A run of a finished job, that began ``ago`` seconds ago."""
    a_job(zoo)
    job = claimed(zoo)
    assert job is not None
    finished(zoo, job)
    with zoo.transaction() as session:
        start = func.clock_timestamp() - timedelta(seconds=ago)
        moved = update(JobRunRecord).where(JobRunRecord.job_id == job.id)
        session.execute(
            moved.values(started_at=start, ended_at=start + timedelta(seconds=seconds))
        )


def test_used_up_seconds_refuse_jobs_until_enough_of_them_are_a_day_old(served: Served):
    ran(served.zoo, ago=24 * 3600 - 600, seconds=1000)
    limit(served.zoo, job_seconds=5000)
    waiting = a_job(served.zoo)
    limit(served.zoo, job_seconds=500)

    upload = pushed(served.client)

    assert (upload.status_code, upload.json()["code"]) == (429, "quota_exceeded")
    assert upload.json()["quota"]["quota"] == "job_seconds"
    # 1000 s began 600 s before they start to leave the day; 500 of them must be gone.
    assert 1050 < int(upload.headers["Retry-After"]) < 1150
    assert use(served, "job_seconds")["window_seconds"] == 24 * 3600
    assert claimed(served.zoo) is None
    limit(served.zoo, job_seconds=5000)
    job = claimed(served.zoo)
    assert job is not None
    assert job.id == waiting


def test_every_attempt_counts_from_its_claim_to_its_end(zoo: Zoo):
    a_job(zoo)
    job = claimed(zoo)
    assert job is not None
    with zoo.transaction() as session:
        lost = session.get_one(JobRecord, job.id)
        lost.lease_until = func.clock_timestamp() - timedelta(seconds=1)
    with zoo.transaction() as session:
        reaper.reap(session)
    again = claimed(zoo)
    assert again is not None

    with zoo.transaction() as session:
        runs = session.scalars(select(JobRunRecord).order_by(JobRunRecord.fence)).all()
        assert [(run.fence, run.ended_at is None) for run in runs] == [(1, False), (2, True)]


def test_defaults_come_from_the_settings_and_projects_have_their_own(served: Served):
    served.zoo.sessions.kw["info"][limits.QUOTA_DEFAULTS][Quota.MODELS] = 7
    body = {"models": 9, "queued_jobs": 5}

    other = served.with_scopes("admin", project="other")
    changed = served.client.patch("/v1/quotas/other", json=body).json()
    reset = served.client.patch("/v1/quotas/other", json={"reset": ["models"]}).json()

    assert (use(served, "models")["limit"], use(served, "queued_jobs").get("limit")) == (7, None)
    assert {item["quota"]: item["limit"] for item in changed["items"]}["models"] == 9
    assert {item["quota"]: item["limit"] for item in reset["items"]}["models"] == 7
    assert use(served, "queued_jobs", other)["limit"] == 5


def test_a_project_without_a_key_has_no_quotas(served: Served):
    served.with_scopes("admin", project="vision")

    answers = [
        served.client.patch("/v1/quotas/vison", json={"models": 9}),
        served.client.get("/v1/quotas", params={"project": "vison"}),
        served.client.get("/v1/keys", params={"project": "vison"}),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (404, "project_not_found")
        assert "did you mean `vision`?" in answer.json()["remedy"]
    with served.zoo.transaction() as session:
        assert not session.scalars(select(QuotaRecord)).all()


def test_only_an_operator_changes_quotas_or_sees_those_of_others(served: Served):
    other = served.with_scopes("admin", project="other")

    answers = [
        other.patch("/v1/quotas/other", json={"models": 10**6}),
        other.get("/v1/quotas", params={"project": "default"}),
        served.client.get("/v1/quotas", params={"project": "other"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 200]
    assert answers[0].json()["code"] == "operator_required"


@pytest.mark.parametrize(
    "body", [{"models": -1}, {"models": 2**63}, {"dogs": 1}, {"models": 1, "reset": ["models"]}]
)
def test_limits_that_make_no_sense_are_refused(served: Served, body: dict[str, Any]):
    assert served.client.patch("/v1/quotas/other", json=body).status_code == 422
