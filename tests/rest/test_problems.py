"""Every error is a problem document with the status from one table."""

import pytest
from sqlalchemy import select

from service.container import Zoo
from service.core import errors
from service.core.errors import ZooError
from service.core.tables import ModelRecord
from service.rest.error_handlers import STATUS, TITLES, status_of
from service.views.foreseen import UNSTORABLE, foreseen
from tests.rest.served import Served

DIRECT = ZooError.__subclasses__()


def every_error(root: type[ZooError]) -> list[type[ZooError]]:
    return [item for kind in root.__subclasses__() for item in (kind, *every_error(kind))]


@pytest.mark.parametrize("kind", DIRECT, ids=lambda kind: kind.__name__)
def test_every_direct_error_class_has_a_status_and_a_title(kind: type[ZooError]):
    assert STATUS[kind] in TITLES


@pytest.mark.parametrize(
    "kind",
    [item for item in every_error(ZooError) if item.__module__ == errors.__name__],
    ids=lambda kind: kind.__name__,
)
def test_no_zoo_error_has_status_500(kind: type[ZooError]):
    assert status_of(kind("it happened")) not in (500, None)


def test_codes_of_the_core_are_unique():
    codes = [item.code for item in every_error(ZooError) if item.__module__ == errors.__name__]

    assert len(codes) == len(set(codes))


CASES = {
    "unknown path": ("GET", "/v1/nothing", {}, 404, "no_such_route"),
    "unknown id": ("GET", "/v1/models/mdl_0", {}, 404, "model_not_found"),
    "malformed id": ("GET", "/v1/jobs/fox", {}, 422, "invalid_request"),
    "wrong method": ("PUT", "/v1/models", {}, 405, "method_not_allowed"),
    "wrong type": ("GET", "/v1/models?page_size=x", {}, 422, "invalid_request"),
    "not JSON": (
        "POST",
        "/v1/models",
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        422,
        "invalid_json",
    ),
    "not JSON for a job": (
        "POST",
        "/v1/jobs",
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        422,
        "invalid_json",
    ),
    "unknown body": ("POST", "/v1/models", {"content": b"x"}, 422, "invalid_media_type"),
    "unknown field": (
        "POST",
        "/v1/uploads",
        {"json": {"size": 1, "x": 1}},
        422,
        "invalid_request",
    ),
    "unknown method": ("POST", "/v1/jobs", {"json": {"method": "magic"}}, 404, "unknown_method"),
    "internal method": (
        "POST",
        "/v1/jobs",
        {"json": {"method": "ranking"}},
        404,
        "unknown_method",
    ),
    "lone surrogate": (
        "POST",
        "/v1/jobs",
        {
            "content": b'{"method": "depara", "inputs": {"model_id": "\\ud800", "dataset_id": "d"}}',
            "headers": {"Content-Type": "application/json"},
        },
        422,
        None,
    ),
    "a NUL": ("GET", "/v1/models/a%00b/layers", {}, 422, "invalid_request"),
    "damaged form": (
        "POST",
        "/v1/models",
        {
            "content": b"--x\r\nbroken",
            "headers": {"Content-Type": "multipart/form-data; boundary=x"},
        },
        422,
        "invalid_multipart",
    ),
    "endless boundary": (
        "POST",
        "/v1/datasets",
        {
            "content": b"--x\r\n",
            "headers": {"Content-Type": f"multipart/form-data; boundary={'x' * 9000}"},
        },
        422,
        "invalid_multipart",
    ),
}


@pytest.mark.usefixtures("measurable")
@pytest.mark.parametrize("case", CASES)
def test_an_invalid_request_returns_a_problem_document(served: Served, case: str):
    method, path, body, status, code = CASES[case]

    answer = served.client.request(method, path, **body)

    problem = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or problem["code"] == code
    assert problem["trace_id"] == answer.headers["Trace-Id"]
    assert {"type", "title", "status", "code", "detail", "instance", "trace_id"} <= set(problem)


def test_a_json_body_beyond_the_limit_is_refused(served: Served):
    answer = served.client.post("/v1/jobs", json={"method": "x" * 17 * 1024**2})

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unread_long_body_returns_a_problem_document(served: Served):
    answer = served.client.post("/healthz", content=bytes(17 * 1024**2))

    assert answer.status_code in (405, 413)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_sent_trace_id_is_used(served: Served):
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    sent = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}

    answer = served.client.get("/healthz", headers=sent)

    assert answer.headers["Trace-Id"] == trace_id


def test_an_unknown_host_name_is_refused_with_the_setting(served: Served):
    answer = served.client.get("/v1/models", headers={"Host": "evil.example"})

    assert (answer.status_code, answer.json()["code"]) == (421, "host_not_allowed")
    assert "ZOO_ALLOWED_HOSTS" in answer.json()["remedy"]


def test_what_only_the_database_refuses_is_the_fault_of_the_request(zoo: Zoo):
    with pytest.raises(UNSTORABLE) as caught, zoo.transaction() as session:
        session.execute(select(ModelRecord).where(ModelRecord.name == "a\0b"))

    problem = foreseen(caught.value)
    assert problem is not None
    assert problem.code == "unstorable_value"
