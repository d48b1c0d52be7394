"""A POST with an Idempotency-Key runs once."""

import json

import pytest
from sqlalchemy import func, select, text

from service.core.tables import JobRecord, ModelRecord
from tests.rest.served import MANIFEST, Served, a_dataset, a_model, archive

pytestmark = pytest.mark.usefixtures("measurable")
BODY = {"method": "depara", "inputs": {"model_id": "mdl_1", "dataset_id": "dst_1"}}
KEY = {"Idempotency-Key": "once"}


def count(served: Served, record: type) -> int:
    with served.zoo.transaction() as session:
        return session.scalar(select(func.count()).select_from(record)) or 0


def test_a_repeated_request_returns_the_same_response(served: Served):
    first = served.client.post("/v1/jobs", json=BODY, headers=KEY)
    again = served.client.post("/v1/jobs", json=BODY, headers=KEY)

    assert again.content == first.content
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(served, JobRecord) == 1


def test_another_request_with_the_same_key_is_refused(served: Served):
    served.client.post("/v1/jobs", json=BODY, headers=KEY)

    answer = served.client.post("/v1/jobs", json={**BODY, "priority": 1}, headers=KEY)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_request_in_progress_does_not_run_twice(served: Served):
    with served.zoo.transaction() as session:
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 20))"),
            {"name": "default\nonce"},
        )

        answer = served.client.post("/v1/jobs", json=BODY, headers=KEY)

    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_flight")


def test_a_refused_request_can_be_retried(served: Served):
    bad = served.client.post("/v1/jobs", json={"method": "nothing"}, headers=KEY)
    good = served.client.post("/v1/jobs", json=BODY, headers=KEY)

    assert (bad.status_code, good.status_code) == (404, 202)


def test_idempotency_keys_of_two_projects_are_independent(served: Served):
    stranger = served.with_scopes("jobs", project="elsewhere")
    with served.zoo.transaction() as session:
        inputs = {
            "model_id": a_model(session, project="elsewhere").id,
            "dataset_id": a_dataset(served.zoo, session, project="elsewhere").id,
        }

    served.client.post("/v1/jobs", json=BODY, headers=KEY)
    answer = stranger.post("/v1/jobs", json={**BODY, "inputs": inputs}, headers=KEY)

    assert "Idempotency-Replayed" not in answer.headers
    assert count(served, JobRecord) == 2


def test_a_form_sent_twice_makes_one_model(served: Served):
    def push():
        files = {"manifest": (None, json.dumps(MANIFEST)), "file": ("f", archive())}
        return served.client.post("/v1/models", files=files, headers=KEY)

    before = count(served, ModelRecord)
    first, again = push(), push()

    assert first.json()["id"] == again.json()["id"]
    assert count(served, ModelRecord) == before + 1
