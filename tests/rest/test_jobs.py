"""Jobs are submitted, watched without gaps, cancelled and retried; their artifacts are served."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service import job_events
from service.core.operations.jobs import jobs
from service.core.tables import ArtifactRecord, JobRecord, JobState
from service.rest import job_events as rest_job_events
from tests.rest.served import Served, stored
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("measurable")
BODY = {"method": "depara", "inputs": {"model_id": "mdl_1", "dataset_id": "dst_1"}}


@pytest.fixture
def job_id(served: Served) -> str:
    return served.client.post("/v1/jobs", json=BODY).json()["id"]


def note(served: Served, job_id: str, message: str) -> None:
    with served.zoo.transaction() as session:
        jobs.append_event(session, job_id, type="progress", data={"message": message})


def end(served: Served, job_id: str) -> None:
    with served.zoo.transaction() as session:
        jobs.end(session, session.get_one(JobRecord, job_id), JobState.SUCCEEDED)


def watch(served: Served, job_id: str, **headers: str) -> list[tuple[int, str]]:
    """Sequence number and type of every event until the stream ends."""
    received, event = [], {}
    path = f"/v1/jobs/{job_id}/events"
    with served.client.stream("GET", path, headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            key, _, value = line.partition(": ")
            event[key] = value
            if not line and "id" in event:
                received.append((int(event["id"]), event["event"]))
                event = {}
    return received


def test_a_submitted_job_is_queued_with_its_parameters_filled_in(served: Served):
    answer = served.client.post("/v1/jobs", json=BODY)

    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert (job["state"], job["attempts"]) == ("queued", 0)
    assert job["params"]["attribution"] == "gxi"
    assert served.client.get(answer.headers["Location"]).json() == job


def test_wrong_parameters_are_refused_with_a_pointer(served: Served):
    answer = served.client.post("/v1/jobs", json={**BODY, "params": {"grid": 1}})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_params")
    assert answer.json()["errors"][0]["pointer"] == "/params/grid"


def test_jobs_are_listed_by_state_and_method(served: Served, job_id: str):
    queued = served.client.get("/v1/jobs", params={"state": "queued", "method": "depara"}).json()
    failed = served.client.get("/v1/jobs", params={"state": "failed"}).json()

    assert [job["id"] for job in queued["items"]] == [job_id]
    assert failed["items"] == []


def test_events_arrive_in_order_until_the_job_finishes(
    served: Served, job_id: str, waited_for: list[str]
):
    def live() -> None:
        eventually(lambda: waited_for)
        for number in range(20):
            note(served, job_id, str(number))
        end(served, job_id)

    thread = threading.Thread(target=live)
    thread.start()
    received = watch(served, job_id)
    thread.join()

    assert [seq for seq, _ in received] == list(range(1, 23))
    assert (received[0][1], received[-1][1]) == ("queued", "succeeded")


def test_watching_resumes_after_the_last_event_id(served: Served, job_id: str):
    for number in range(3):
        note(served, job_id, str(number))
    end(served, job_id)

    received = watch(served, job_id, **{"Last-Event-ID": "3"})

    assert [seq for seq, _ in received] == [4, 5]


def test_watching_a_job_that_does_not_exist_is_refused(served: Served):
    assert served.client.get("/v1/jobs/job_0/events").json()["code"] == "job_not_found"


def test_an_event_arrives_by_notification_without_polling(
    served: Served, job_id: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(job_events, "POLL_SECONDS", 9999.0)
    path = f"/v1/jobs/{job_id}/events"
    with served.client.stream("GET", path) as stream:
        lines = stream.iter_lines()
        while not next(lines).startswith("id: 1"):
            pass
        note(served, job_id, "now")
        while not next(lines).startswith("id: 2"):
            pass
    end(served, job_id)


def test_prefer_wait_responds_when_the_job_finishes(
    served: Served, job_id: str, waited_for: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rest_job_events, "LONGEST_WAIT_SECONDS", 9999.0)

    with ThreadPoolExecutor(1) as other:
        answer = other.submit(
            served.client.get, f"/v1/jobs/{job_id}", headers={"Prefer": "wait=9999"}
        )
        eventually(lambda: waited_for == [job_id])
        end(served, job_id)

        assert answer.result().json()["state"] == "succeeded"


def test_waiting_ends_after_the_requested_seconds(served: Served):
    answer = served.client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=1"})

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_a_queued_job_is_cancelled_and_queued_again(served: Served, job_id: str):
    cancelled = served.client.post(f"/v1/jobs/{job_id}:cancel")
    retried = served.client.post(f"/v1/jobs/{job_id}:retry")
    refused = served.client.post(f"/v1/jobs/{job_id}:retry")

    assert cancelled.json()["state"] == "cancelled"
    assert retried.json()["state"] == "queued"
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_retriable")


def test_files_of_a_job_are_listed_and_served(served: Served, job_id: str):
    data = b"a,b\r\n"
    with served.zoo.transaction() as session:
        session.add(
            ArtifactRecord(
                id="art_1",
                project="default",
                job_id=job_id,
                name='map "1".csv',
                media_type="text/csv",
                sha256=stored(served.zoo, data),
                size_bytes=len(data),
            )
        )

    listed = served.client.get(f"/v1/jobs/{job_id}/artifacts").json()["items"]
    content = served.client.get("/v1/artifacts/art_1/content")

    assert [item["id"] for item in listed] == ["art_1"]
    assert served.client.get("/v1/artifacts/art_1").json() == listed[0]
    assert content.content == data
    assert (
        content.headers["Content-Disposition"]
        == "attachment; filename=\"map__1_.csv\"; filename*=UTF-8''map%20%221%22.csv"
    )
    received = {"If-None-Match": content.headers["ETag"]}
    assert served.client.get("/v1/artifacts/art_1/content", headers=received).status_code == 304


def test_the_catalog_lists_public_methods_with_their_schemas(served: Served):
    listed = served.client.get("/v1/methods").json()["items"]
    item = served.client.get("/v1/methods/depara").json()

    assert {m["name"] for m in listed} >= {"attribution_map", "depara", "transferability_map"}
    assert "model_validation" not in {m["name"] for m in listed}
    assert item["params"]["properties"]["seed"]["default"] == 0
