"""The audit log: changes with their transaction, downloads and refusals shortly after."""

import json
import threading
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from service import audit_trail
from service.audit_trail import LOST, AuditTrail
from service.container import Zoo
from service.core.operations.access import audited_calls
from service.core.operations.access.audited_calls import AuditedCall, CallDescription
from service.core.tables import AuditApi, AuditRecord, ModelRecord
from tests.rest.served import Served, a_dataset, a_model, stored
from tests.waiting import eventually


def log(zoo: Zoo, **where: Any) -> list[AuditRecord]:
    """The rows with these values, in order."""
    with zoo.transaction() as session:
        query = select(AuditRecord).filter_by(**where).order_by(AuditRecord.seq)
        return list(session.scalars(query))


def logged(zoo: Zoo, **where: Any) -> AuditRecord:
    """The only row with these values, once it is there."""
    eventually(lambda: log(zoo, **where))
    (row,) = log(zoo, **where)
    return row


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_change_is_committed_with_its_row(served: Served):
    upload = served.client.post("/v1/uploads", json={"size": 3}).json()

    # No waiting: the row was part of the transaction that was answered.
    (row,) = log(served.zoo, action="uploads.create")

    assert (row.ids, row.code, row.count) == ([upload["id"]], None, 1)
    assert row.key_id == "key_" + served.token.split("_")[1]


def test_a_change_without_its_row_is_undone(served: Served, monkeypatch: pytest.MonkeyPatch):
    def broken(session: Any, event: Any) -> bool:
        session.execute(text("SELECT 1 / 0"))
        return True

    monkeypatch.setattr(audited_calls.audit, "write_if_changed", broken)

    status = served.client.post("/v1/uploads", json={"size": 3}).status_code

    with served.zoo.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM uploads")) == 0
    assert status >= 400


def test_a_replayed_request_has_a_row_of_its_own(served: Served):
    for _ in range(2):
        served.client.post("/v1/uploads", json={"size": 3}, headers={"Idempotency-Key": "k"})

    eventually(lambda: len(log(served.zoo, action="uploads.create")) == 2)


def test_downloads_are_recorded_and_descriptions_are_not(served: Served):
    with served.zoo.transaction() as session:
        digest = stored(served.zoo, b"network")
        model = a_model(session, upload_sha256=digest, upload_bytes=7).id
        dataset = a_dataset(served.zoo, session).id

    for path in (f"models/{model}", f"models/{model}/layers", f"datasets/{dataset}/images"):
        assert served.client.get(f"/v1/{path}").status_code == 200
    served.client.get(f"/v1/models/{model}/content")
    served.client.get(f"/v1/datasets/{dataset}/images/0")

    assert logged(served.zoo, action="models.download").ids == [model]
    assert logged(served.zoo, action="images.download").ids == [dataset]
    assert {row.action for row in log(served.zoo)} == {
        "keys.create",
        "models.download",
        "images.download",
    }


def test_a_missing_and_a_wrong_key_are_refused_with_a_row(served: Served):
    served.with_token(None).get("/v1/models")
    served.with_token("zoo_1_" + "s" * 40).delete("/v1/models/mdl_0")

    first = logged(served.zoo, action="models.read")
    second = logged(served.zoo, action="models.delete")
    for row in (first, second):
        assert (row.code, row.project, row.key_id) == ("unauthenticated", None, None)
        assert row.address == "127.0.0.1"
    assert second.ids == ["mdl_0"]


def test_a_missing_scope_another_projects_id_and_the_rate_limit_are_refused_with_a_row(
    served: Served,
):
    with served.zoo.transaction() as session:
        foreign = a_model(session, project="other").id
    served.with_scopes("read").post("/v1/uploads", json={"size": 3})
    served.client.get(f"/v1/models/{foreign}")
    strict = served.zoo.settings.model_copy(update={"rate_limit": "1/day"})
    object.__setattr__(served.zoo, "settings", strict)
    served.client.get("/v1/methods")

    assert logged(served.zoo, code="forbidden").action == "uploads.create"
    row = logged(served.zoo, code="model_not_found")
    assert (row.action, row.ids, row.project) == ("models.read", [foreign], "default")
    assert str(logged(served.zoo, code="rate_limited").key_id).startswith("key_")


def test_no_secret_is_ever_in_the_log(served: Served):
    issued = served.client.post("/v1/keys", json={"name": "ci", "scopes": ["read"]}).json()
    served.with_token("zoo_1_sesame").get("/v1/models")
    logged(served.zoo, code="unauthenticated")

    with served.zoo.transaction() as session:
        everything = " ".join(session.scalars(text("SELECT audit::text FROM audit")))

    assert issued["id"] in everything
    secrets = (served.token, issued["token"])
    assert [s for s in secrets if s.rpartition("_")[2] in everything] == []
    assert "sesame" not in everything


def test_an_administrator_exports_the_calls_of_its_own_project(served: Served):
    other = served.with_scopes("admin", project="other")
    other.post("/v1/uploads", json={"size": 1})
    served.client.post("/v1/uploads", json={"size": 2})
    served.with_token(None).get("/v1/models")
    logged(served.zoo, code="unauthenticated")

    own = lines(other.get("/v1/audit"))
    every = lines(served.client.get("/v1/audit"))
    reader = served.with_scopes("read").get("/v1/audit")

    assert [(line["project"], line["action"]) for line in own] == [("other", "uploads.create")]
    assert own[0]["outcome"] == "ok"
    assert {line["project"] for line in every} == {"default", "other", None}
    assert reader.status_code == 403


def test_an_export_has_pages_and_a_period(served: Served):
    for _ in range(5):
        served.client.post("/v1/uploads", json={"size": 1})
    whole = lines(served.client.get("/v1/audit"))
    pages: list[list[dict[str, Any]]] = []
    token: str | None = ""
    while token is not None:
        query = {"page_size": 4, **({"page_token": token} if token else {})}
        page = served.client.get("/v1/audit", params=query)
        pages.append(lines(page))
        token = page.headers.get("Next-Page-Token")
    period = {"since": whole[2]["at"], "until": whole[4]["at"]}

    assert [line for page in pages for line in page] == whole
    assert lines(served.client.get("/v1/audit", params=period)) == whole[2:4]
    naive = served.client.get("/v1/audit", params={"since": "2026-01-01T00:00:00"})
    assert (naive.status_code, naive.json()["code"]) == (422, "invalid_request")


def a_refusal(address: str | None = "192.0.2.1", code: str = "unauthenticated") -> AuditedCall:
    about = CallDescription.of("models", "read", ())
    return AuditedCall(AuditApi.REST, address, lambda: about, code=code, refused=True)


def test_a_flood_of_refusals_shares_rows(zoo: Zoo):
    trail = AuditTrail(zoo, burst_seconds=0.5)

    for _ in range(5000):
        trail.add(a_refusal())
    trail.add(a_refusal("198.51.100.7"))

    eventually(lambda: sum(row.count for row in log(zoo)) == 5001)
    # Eleven for each burst; a busy machine may need several bursts to send them all.
    assert len(log(zoo)) < 500
    assert len(log(zoo, address="198.51.100.7")) == 1


def test_a_flood_from_many_addresses_shares_rows_too(zoo: Zoo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audit_trail, "MOST_BURSTS", 3)
    trail = AuditTrail(zoo, burst_seconds=0.5)

    for number in range(400):
        trail.add(a_refusal(f"2001:db8:{number:x}::1"))

    eventually(lambda: sum(row.count for row in log(zoo)) == 400)
    assert len(log(zoo)) < 100
    assert log(zoo, address=None)


def test_addresses_of_one_ipv6_network_count_as_one(zoo: Zoo):
    trail = AuditTrail(zoo, burst_seconds=0.5)

    for number in range(200):
        trail.add(a_refusal(f"2001:db8::{number:x}"))

    eventually(lambda: sum(row.count for row in log(zoo)) == 200)
    assert len(log(zoo)) < 100


def test_a_full_queue_loses_calls_counts_them_and_says_so(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
):
    entered, opened, write = threading.Event(), threading.Event(), audit_trail.audit.write

    def blocked(*args: Any, **options: Any) -> None:
        entered.set()
        opened.wait()
        write(*args, **options)

    monkeypatch.setattr(audit_trail.audit, "write", blocked)
    trail = AuditTrail(zoo, burst_seconds=0.5, most_waiting=3)
    trail.add(a_refusal())
    entered.wait()
    for number in range(19):
        trail.add(a_refusal(code=f"code_{number}"))

    missing = trail.lost
    opened.set()

    row = logged(zoo, action=LOST)
    assert (missing, row.count, row.code) == (16, 16, "overflow")
    eventually(lambda: sum(row.count for row in log(zoo)) == 20)


def test_lost_calls_are_a_metric(served: Served):
    text_ = served.client.get("/metrics").text

    assert "zooscope_audit_lost_total 0.0" in text_


def test_reads_that_change_nothing_leave_no_row(served: Served):
    with served.zoo.transaction() as session:
        session.add(
            ModelRecord(id="mdl_1", project="default", name="x", task_kind="other", manifest={})
        )

    for path in ("/v1/models", "/v1/jobs", "/v1/methods", "/v1/keys", "/v1/quotas", "/v1/audit"):
        served.client.get(path)
    served.client.post("/v1/uploads", json={"size": 3})

    assert [row.action for row in log(served.zoo)] == ["keys.create", "uploads.create"]
