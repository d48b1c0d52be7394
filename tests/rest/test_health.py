"""Health, readiness, metrics and the OpenAPI document."""

import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.container import Zoo
from service.core.home_secrets import Purpose, home_secret
from service.embedded.home_check import is_of_home
from tests.rest.served import Served, client_of, serving
from tests.waiting import HANG_SECONDS


def test_health_and_readiness_need_no_key(served: Served):
    client = served.with_token(None)

    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_zoo_without_its_database_is_alive_but_not_ready(served: Served, postgres):
    client = served.with_token(None)
    postgres.drop_database(served.zoo.engine.url.database)

    answer = client.get("/readyz")

    assert client.get("/healthz").status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


def test_health_proves_to_which_home_folder_the_service_belongs(served: Served, tmp_path: Path):
    own = home_secret(served.zoo.settings.folder, Purpose.IDENTITY)
    other = home_secret(tmp_path / "other", Purpose.IDENTITY)
    address = urlsplit(served.url)

    with socket.create_connection(
        (address.hostname, address.port), timeout=HANG_SECONDS
    ) as connection:
        for _again in range(2):
            assert is_of_home(connection, secret=own, host_header=address.netloc)
        assert not is_of_home(connection, secret=other, host_header=address.netloc)


def test_health_refuses_an_invalid_challenge(served: Served):
    assert served.client.get("/healthz", params={"challenge": "short"}).status_code == 422


@pytest.mark.usefixtures("measurable")
def test_metrics_count_requests_and_jobs(served: Served):
    body = {"method": "depara", "inputs": {"model_id": "mdl_1", "dataset_id": "dst_1"}}
    served.client.post("/v1/jobs", json=body)

    figures = served.client.get("/metrics").text

    assert 'zooscope_jobs{method="depara",state="queued"} 1.0' in figures
    assert 'zooscope_requests_total{method="POST",route="/v1/jobs",status="202"} 1.0' in figures


def test_openapi_lists_every_problem_of_every_operation(served: Served):
    document = served.client.get("/openapi.json").json()

    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "head":
                continue  # It sends no body.
            problems = [s for s in operation["responses"] if s.startswith("4")]
            assert problems, f"{method} {path}"
            content = operation["responses"][problems[0]]["content"]
            assert list(content) == ["application/problem+json"]


def test_metrics_need_a_key_with_the_scope_of_the_setting(zoo: Zoo):
    guarded = replace(zoo, settings=zoo.settings.model_copy(update={"metrics_scope": "admin"}))
    with serving(guarded) as url:
        served = Served(guarded, url, client_of(url), "")
        answers = [
            client.get("/metrics").status_code
            for client in (
                served.client,
                served.with_scopes("read"),
                served.with_scopes("admin"),
            )
        ]
        for client in (served.client, *served.others):
            client.close()

    assert answers == [401, 403, 200]
