"""Spans cost nothing without an endpoint, and delay nothing when nobody answers there."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from service.adapters import otlp_spans
from service.adapters.otlp_spans import OtlpSpans
from service.container import Zoo, zoo_from
from service.core import tracing
from service.core.errors import UnavailableError
from service.core.tracing import current_span_id, follow, follow_request
from service.embedded.ports import free_port
from service.rpc.stubs.zoo.v1.job_service_pb2 import ListJobsRequest
from service.rpc.stubs.zoo.v1.job_service_pb2_grpc import JobServiceStub
from service.settings import Settings
from tests.rest.served import client_of, serving
from tests.rpc.channels import channel_to, listening
from tests.span_collector import SpanCollector, collecting
from tests.waiting import HANG_SECONDS
from zooscope.cli.main import app

# Libraries of the service import other parts of OpenTelemetry wherever they are installed.
EXPORTING = (
    "opentelemetry.exporter",
    "opentelemetry.proto",
    "opentelemetry.sdk.trace",
    "service.adapters.otlp_spans",
)
TRACE, SPAN = "1" * 32, "2" * 16


@pytest.fixture
def collector() -> Iterator[SpanCollector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(autouse=True)
def no_trace() -> Iterator[None]:
    """No trace of a test is followed by the next."""
    yield
    tracing._trace.set(None)
    tracing._span.set(None)


@pytest.fixture
def patient_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends waits until its spans are sent, however busy the machine is."""
    monkeypatch.setattr(otlp_spans, "CLOSE_SECONDS", HANG_SECONDS)


def zoo_with(settings: Settings, endpoint: str) -> Zoo:
    return zoo_from(settings.model_copy(update={"otlp_endpoint": endpoint}), process="a-process")


@pytest.mark.usefixtures("patient_end")
def test_a_span_is_sent_when_the_process_stops(collector: SpanCollector):
    spans = OtlpSpans(collector.endpoint, "a-process")
    follow(TRACE, SPAN)

    with spans.span("outer"), spans.span("inner") as inner:
        inner.fail("broken")
    spans.close()

    trace = collector.trace(TRACE)
    assert trace.keys() == {"outer", "inner"}
    assert trace["outer"].parent_id == SPAN
    assert trace["inner"].parent_id == trace["outer"].span_id
    assert (trace["inner"].failed, trace["inner"].attributes) == (True, {"error.type": "broken"})
    assert (trace["outer"].failed, trace["outer"].process) == (False, "a-process")
    assert current_span_id() == SPAN


def test_a_collector_that_never_answers_holds_neither_a_request_nor_the_end(
    collector: SpanCollector, zoo_settings: Settings
):
    collector.answering.clear()
    zoo = zoo_with(zoo_settings, collector.endpoint)

    with serving(zoo) as url, client_of(url) as client:
        assert client.get("/v1/methods").status_code == 401
        assert collector.asked.wait(HANG_SECONDS)
        assert client.get("/v1/methods").status_code == 401
    zoo.close()

    assert not collector.answering.is_set()
    assert collector.spans == []


@pytest.mark.usefixtures("patient_end")
def test_a_request_that_the_zoo_cannot_answer_has_a_failed_span(
    collector: SpanCollector, tmp_path: Path
):
    away: Any = f"postgresql://127.0.0.1:{free_port()}/zoo"
    zoo = zoo_with(Settings(home=tmp_path, database_url=away, auth=False), collector.endpoint)

    with serving(zoo) as url, client_of(url) as client, listening(zoo) as address:
        assert client.get("/v1/jobs").status_code == 503
        with channel_to(address) as channel, pytest.raises(grpc.RpcError):
            JobServiceStub(channel).ListJobs(ListJobsRequest(), timeout=HANG_SECONDS)
    zoo.close()

    failures = {
        span.name: span.attributes["error.type"] for span in collector.spans if span.failed
    }
    assert failures == {"GET /v1/jobs": "503", "zoo.v1.JobService/ListJobs": "UNAVAILABLE"}


def test_an_endpoint_where_nobody_listens_is_logged_once():
    spans = OtlpSpans(f"http://127.0.0.1:{free_port()}", "a-process")

    with capture_logs() as logs:
        with spans.span("lost"):
            pass
        spans._provider.force_flush()  # tries several times, each with a warning of its own
        spans.close()

    (entry,) = [entry for entry in logs if entry["event"] == "spans are not sent"]
    assert "ZOO_OTLP_ENDPOINT" in entry["remedy"]


def test_an_endpoint_without_the_packages_is_refused_with_the_fix(
    monkeypatch: pytest.MonkeyPatch, zoo_settings: Settings, tmp_path: Path
):
    monkeypatch.delitem(sys.modules, "service.adapters.otlp_spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.setenv("ZOO_OTLP_ENDPOINT", "http://localhost:4318")

    with pytest.raises(UnavailableError) as refused:
        zoo_with(zoo_settings, "http://localhost:4318")
    output = CliRunner().invoke(app, ["up", "--home", str(tmp_path / "home")])

    assert refused.value.code == "telemetry_not_installed"
    assert "pip install 'zooscope[telemetry]'" in (refused.value.remedy or "")
    assert output.exit_code == 1
    assert "pip install 'zooscope[telemetry]'" in output.output


@pytest.mark.parametrize(
    "module", ["service.rest.app", "service.rpc.server", "workers.worker.app"]
)
def test_without_an_endpoint_no_exporter_is_imported(module: str):
    program = (
        f"import sys, {module}; from service.container import zoo_from;"
        "from service.settings import Settings;"
        "zoo_from(Settings(database_url='postgresql://nowhere/zoo'), process='a-process').close();"
        f"print(*(name for name in sys.modules if name.startswith({EXPORTING!r})))"
    )

    completed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=HANG_SECONDS
    )

    assert (completed.returncode, completed.stdout.strip()) == (0, ""), completed.stderr


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-abc-def-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.replace('1', 'A')}-{SPAN}-01",
    ],
)
def test_a_malformed_parent_is_ignored_as_a_whole(header: str):
    assert follow_request(header) != TRACE
    assert current_span_id() is None


def test_a_parent_is_followed():
    assert follow_request(f"00-{TRACE}-{SPAN}-00") == TRACE
    assert current_span_id() == SPAN
