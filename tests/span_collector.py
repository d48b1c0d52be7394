"""A collector of spans: a real HTTP server that parses what OpenTelemetry sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.waiting import HANG_SECONDS, eventually


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as the collector got it; ``start`` and ``end`` in nanoseconds."""

    process: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    failed: bool
    attributes: dict[str, str | int]


@dataclass
class SpanCollector:
    """What has arrived; requests wait while ``answering`` is cleared, and ``asked`` says that one came."""

    endpoint: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    answering: threading.Event = field(default_factory=threading.Event)

    def trace(self, trace_id: str) -> dict[str, ReceivedSpan]:
        """The spans of a trace by name; no two have the same.

        A process sends spans again if this one was slow to answer.
        """
        ids = {span.span_id: span for span in list(self.spans) if span.trace_id == trace_id}
        spans = list(ids.values())
        assert len({span.name for span in spans}) == len(spans), spans
        return {span.name: span for span in spans}

    def complete_trace(self, trace_id: str, names: set[str]) -> dict[str, ReceivedSpan]:
        """The spans of a trace, once those with these names have arrived."""
        eventually(lambda: names <= self.trace(trace_id).keys(), facts=lambda: str(self.spans))
        return self.trace(trace_id)


@contextmanager
def collecting() -> Iterator[SpanCollector]:
    """A collector that listens while the block runs, and answers until its event is cleared."""
    collector = SpanCollector()
    collector.answering.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.asked.set()
            assert collector.answering.wait(HANG_SECONDS)
            assert self.path == "/v1/traces"
            collector.spans += _spans_in(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        collector.endpoint = f"http://127.0.0.1:{server.server_port}"
        try:
            yield collector
        finally:
            collector.answering.set()
            server.shutdown()
            thread.join()


def _spans_in(request: ExportTraceServiceRequest) -> list[ReceivedSpan]:
    received = []
    for resource_spans in request.resource_spans:
        process = _plain(resource_spans.resource.attributes)["service.name"]
        for scope_spans in resource_spans.scope_spans:
            received += [_received(str(process), span) for span in scope_spans.spans]
    return received


def _received(process: str, span: trace_pb2.Span) -> ReceivedSpan:
    return ReceivedSpan(
        process=process,
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        attributes=_plain(span.attributes),
    )


def _plain(attributes: Any) -> dict[str, str | int]:
    entries: list[KeyValue] = list(attributes)
    return {entry.key: getattr(entry.value, entry.value.WhichOneof("value")) for entry in entries}
