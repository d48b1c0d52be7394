"""For any request, the server does not crash and conforms to its OpenAPI document."""

import logging
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.container import zoo_from
from service.core.operations.access import keys
from service.core.operations.jobs import jobs
from service.core.tables import JobRecord, JobState
from service.embedded.postgres import PrivatePostgres
from service.settings import Settings
from tests.rest.served import a_dataset, a_graph, a_model, an_affinity, client_of, serving
from tests.waiting import HANG_SECONDS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = {GenerationMode.POSITIVE: 12, GenerationMode.NEGATIVE: 4}


@pytest.fixture(scope="module")
def seeded(
    postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Address, key and ids of a served zoo that holds one of everything."""
    postgres.create_database("fuzzed", template="template")
    settings_ = Settings(
        home=tmp_path_factory.mktemp("fuzzed"),
        database_url=postgres.url("fuzzed"),  # type: ignore[arg-type]
        rate_limit="1000000/minute",
    )
    zoo = zoo_from(settings_)
    with zoo.transaction() as session:
        token = keys.issue(session, project="default", name="fuzz", scopes=["admin"]).token
        probes = a_dataset(zoo, session)
        fox, hen = a_model(session, name="fox"), a_model(session, name="hen")
        an_affinity(
            session, a_graph(session, fox, probes), a_graph(session, hen, probes), node=1, edge=1
        )
    with serving(zoo) as url:
        with client_of(url, token) as client:
            body = {"target": {"model_id": fox.id}, "probe_set_id": probes.id}
            ranking = client.post("/v1/rankings", json=body).json()["id"]
            inputs = {"model_id": fox.id, "dataset_id": probes.id}
            job = client.post("/v1/jobs", json={"method": "depara", "inputs": inputs}).json()["id"]
            upload = client.post("/v1/uploads", json={"size": 10**6}).json()["id"]
        with zoo.transaction() as session:
            jobs.end(session, session.get_one(JobRecord, job), JobState.SUCCEEDED)
        ids = {"model_id": fox.id, "dataset_id": probes.id, "ranking_id": ranking}
        yield url, token, {**ids, "job_id": job, "upload_id": upload, "upload-offset": "0"}
    zoo.close()
    postgres.drop_database("fuzzed")


@pytest.fixture(scope="module")
def document(seeded: tuple[str, str, dict[str, str]]) -> schemathesis.schemas.BaseSchema:
    """The served document, with ids of things that exist."""
    url, token, ids = seeded
    logging.getLogger("httpx").setLevel(logging.WARNING)
    config = SchemathesisConfig.from_dict(
        {"headers": {"Authorization": f"Bearer {token}"}, "parameters": ids}
    )
    return schemathesis.openapi.from_url(
        f"{url}/openapi.json", config=config, timeout=HANG_SECONDS
    )


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_the_server_conforms_to_its_openapi_document(document, mode: GenerationMode):
    broken = []

    for result in document.get_all_operations():
        operation = result.ok()
        try:
            fuzz(operation, mode)
        except Unsatisfiable:
            continue  # Nothing about this operation can be wrong.
        except FailureGroup as failures:
            broken.append(f"{operation.label}: {failures}")

    assert not broken, "\n\n".join(broken)


def fuzz(operation: schemathesis.schemas.APIOperation, mode: GenerationMode) -> None:
    """Send a dozen requests, good or bad ones, to one operation and check every answer."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES[mode],
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def send(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, timeout=HANG_SECONDS)

    send()
