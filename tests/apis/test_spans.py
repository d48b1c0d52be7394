"""A job is one trace, from the request that submits it to the phases of its child, over either API."""

import secrets
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from service.container import Zoo, zoo_from
from service.core.operations import owned_rows
from service.core.operations.access import keys
from service.core.tables import FINAL_STATES, JobRecord
from service.embedded.postgres import PrivatePostgres
from service.rpc.stubs.zoo.v1 import job_service_pb2
from service.settings import Settings
from tests.jobs.processes import ZooProcesses, zoo_processes
from tests.rest.served import client_of, serving
from tests.rpc.channels import Dialled, listening
from tests.span_collector import ReceivedSpan, SpanCollector, collecting
from tests.waiting import HANG_SECONDS, eventually
from tests.workers import test_label_rankings_end_to_end as label_rankings

PROJECT = "default"
STEPS = {"stage", "child", "save"}
PHASES = ("load", "run", "write")


@dataclass(frozen=True)
class TracedZoo:
    """Both APIs and a worker process that send their spans to one collector."""

    collector: SpanCollector
    zoo: Zoo
    token: str
    rest: httpx.Client
    rpc: Dialled

    def job(self, job_id: str) -> JobRecord:
        with self.zoo.transaction() as session:
            return owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)


@pytest.fixture(scope="module")
def traced(postgres: PrivatePostgres) -> Iterator[TracedZoo]:
    postgres.create_database("traced", template="template")
    with (
        collecting() as collector,
        TemporaryDirectory(prefix="zoo-") as folder,
        zoo_processes(
            Path(folder), postgres.url("traced"), ZOO_OTLP_ENDPOINT=collector.endpoint
        ) as processes,
    ):
        with served_zoo(processes, collector) as traced:
            yield traced
        worker = processes.started[-1]
        worker.send(signal.SIGTERM)
        assert worker.process.wait(HANG_SECONDS) == 0
    postgres.drop_database("traced")


@contextmanager
def served_zoo(processes: ZooProcesses, collector: SpanCollector) -> Iterator[TracedZoo]:
    """A stocked zoo behind both APIs, with a worker process."""
    processes.redis()
    processes.worker()
    settings = Settings(
        home=processes.folder / "home",
        database_url=processes.environment["ZOO_DATABASE_URL"],  # type: ignore[arg-type]
        redis_url=processes.redis_url,  # type: ignore[arg-type]
        otlp_endpoint=collector.endpoint,
    )
    with (
        closing(zoo_from(settings, process="zooscope-api")) as api,
        closing(zoo_from(settings, process="zooscope-grpc")) as grpc,
        serving(api) as url,
        listening(grpc) as address,
    ):
        stock(api, processes.folder)
        with api.transaction() as session:
            token = keys.issue(session, project=PROJECT, name="a key", scopes=["admin"]).token
        rpc = Dialled(grpc, address, token)
        with client_of(url, token) as rest, closing(rpc.channel):
            yield TracedZoo(collector, api, token, rest, rpc)


def stock(zoo: Zoo, folder: Path) -> None:
    """Put images and two networks into the zoo, checked by the worker."""
    label_rankings._add_dataset(zoo)
    label_rankings._submit(zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    for seed, model_id in enumerate(("mdl_0", "mdl_1")):
        label_rankings._add_model(
            zoo, label_rankings._network(folder, seed), model_id, classifier=True
        )
        label_rankings._submit(zoo, "model_validation", {"model_id": model_id})

    def states() -> list[str]:
        with zoo.transaction() as session:
            return list(session.scalars(select(JobRecord.state)))

    eventually(lambda: set(states()) <= set(FINAL_STATES))
    assert set(states()) == {"succeeded"}


def measuring(model_id: str) -> dict[str, Any]:
    return {"method": "depara", "inputs": {"model_id": model_id, "dataset_id": "dst_1"}}


def test_a_job_over_rest_is_one_trace_below_the_span_of_its_client(traced: TracedZoo):
    trace_id, client_span = secrets.token_hex(16), secrets.token_hex(8)
    header = {"traceparent": f"00-{trace_id}-{client_span}-01"}

    response = traced.rest.post("/v1/jobs", json=measuring("mdl_0"), headers=header)

    assert response.status_code == 202, response.text
    job_id = response.json()["id"]
    trace = whole_trace(traced, trace_id, "POST /v1/jobs")
    request = trace["POST /v1/jobs"]
    assert (request.process, request.kind, request.parent_id) == (
        "zooscope-api",
        "SERVER",
        client_span,
    )
    assert request.attributes == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "http.route": "/v1/jobs",
        "http.response.status_code": 202,
    }
    assert_chain(trace, request, job_id)
    assert trace["job depara"].attributes == {
        "zooscope.job.id": job_id,
        "zooscope.job.method": "depara",
        "zooscope.job.attempt": 1,
        "zooscope.job.outcome": "succeeded",
        "zooscope.project": PROJECT,
        "zooscope.worker": traced.job(job_id).worker,
    }


def test_a_job_over_grpc_is_one_trace_below_the_call(traced: TracedZoo):
    wanted = job_service_pb2.SubmitJobRequest(method="depara")
    wanted.inputs.update(measuring("mdl_1")["inputs"])

    job_id = traced.rpc.jobs.SubmitJob(wanted, timeout=HANG_SECONDS).job.id

    trace_id = traced.job(job_id).trace_id
    assert trace_id is not None
    trace = whole_trace(traced, trace_id, "zoo.v1.JobService/SubmitJob")
    call = trace["zoo.v1.JobService/SubmitJob"]
    assert (call.process, call.kind, call.parent_id) == ("zooscope-grpc", "SERVER", "")
    assert call.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": "zoo.v1.JobService/SubmitJob",
        "rpc.response.status_code": "OK",
    }
    assert_chain(trace, call, job_id)


def test_a_refused_request_has_its_status_and_no_path(traced: TracedZoo):
    refused = traced.rest.get("/v1/jobs/job_nobody?secret=1")
    with pytest.raises(Exception, match="job_nobody"):
        traced.rpc.jobs.GetJob(job_service_pb2.GetJobRequest(id="job_nobody"))

    name = "GET /v1/jobs/{job_id}"
    request = traced.collector.complete_trace(refused.headers["Trace-Id"], {name})[name]
    assert (request.attributes["http.response.status_code"], request.failed) == (422, False)
    eventually(lambda: calls(traced, "zoo.v1.JobService/GetJob"))
    (call,) = calls(traced, "zoo.v1.JobService/GetJob")
    assert (call.attributes["rpc.response.status_code"], call.failed) == ("NOT_FOUND", False)
    assert "nobody" not in f"{request}{call}"


def test_health_checks_have_no_span_and_no_span_has_a_key(traced: TracedZoo):
    health = traced.rest.get("/healthz")
    later = traced.rest.get("/v1/methods")

    traced.collector.complete_trace(later.headers["Trace-Id"], {"GET /v1/methods"})
    assert traced.collector.trace(health.headers["Trace-Id"]) == {}
    assert traced.token not in str(traced.collector.spans)


def test_a_job_ends_while_the_collector_does_not_answer(traced: TracedZoo):
    traced.collector.asked.clear()
    traced.collector.answering.clear()
    try:
        body = {**measuring("mdl_0"), "params": {"centering": "raw"}}
        job_id = traced.rest.post("/v1/jobs", json=body).json()["id"]
        assert traced.collector.asked.wait(HANG_SECONDS)
        eventually(lambda: traced.job(job_id).state in FINAL_STATES)
    finally:
        traced.collector.answering.set()

    assert traced.job(job_id).state == "succeeded"


def calls(traced: TracedZoo, name: str) -> list[ReceivedSpan]:
    return [span for span in list(traced.collector.spans) if span.name == name]


def whole_trace(traced: TracedZoo, trace_id: str, request: str) -> dict[str, ReceivedSpan]:
    """The spans of a trace, which are exactly those of a job and its request."""
    names = {request, "job depara", *STEPS, *PHASES}
    trace = traced.collector.complete_trace(trace_id, names)
    assert trace.keys() == names
    assert not any(span.failed for span in trace.values())
    return trace


def assert_chain(trace: dict[str, ReceivedSpan], request: ReceivedSpan, job_id: str) -> None:
    """The job is below the request, its steps below the job, the phases below and inside the child."""
    job, child = trace["job depara"], trace["child"]
    assert (job.process, job.kind, job.parent_id) == (
        "zooscope-worker",
        "CONSUMER",
        request.span_id,
    )
    assert job.attributes["zooscope.job.id"] == job_id
    assert {trace[name].parent_id for name in STEPS} == {job.span_id}
    assert {trace[name].parent_id for name in PHASES} == {child.span_id}
    bounds = [child.start, *[trace[name].start for name in PHASES], child.end]
    assert bounds == sorted(bounds)
    assert trace["load"].end == trace["run"].start
    assert trace["run"].end == trace["write"].start
    assert trace["write"].end <= child.end
