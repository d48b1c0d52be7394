"""Spans that an OpenTelemetry collector receives over OTLP/HTTP.

Only this module imports OpenTelemetry, and only a process with an endpoint imports this module.
Ended spans wait in a bounded queue for a thread that sends them; when the collector does not
answer, the oldest are dropped.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags

from service.adapters.spans import NO_ATTRIBUTES, Attributes, Span, SpanKind, Spans
from service.core.tracing import current_span_id, current_trace_id, inside_span

CLOSE_SECONDS = 2.0
LOG_INTERVAL_SECONDS = 60.0
MOST_WAITING = 2048
_SEND_SECONDS = 5.0
_BATCH_INTERVAL_MS = 1000
_MOST_AT_ONCE = 512
_LONGEST_ATTRIBUTE = 256
_PATH = "/v1/traces"
_NANOSECONDS = 1_000_000_000
_KINDS = {
    SpanKind.SERVER: trace.SpanKind.SERVER,
    SpanKind.CONSUMER: trace.SpanKind.CONSUMER,
    SpanKind.INTERNAL: trace.SpanKind.INTERNAL,
}
_log = structlog.get_logger("zooscope.spans")


class OtlpSpans(Spans):
    """The spans of a process, sent to a collector.

    Args:
        endpoint: Base URL of the collector.
        process: Name of the process in traces.
    """

    def __init__(self, endpoint: str, process: str) -> None:
        _limit_log()
        url = endpoint.rstrip("/").removesuffix(_PATH) + _PATH
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create({"service.namespace": "zooscope", "service.name": process}),
            # Its own handler at exit would wait for half a minute.
            shutdown_on_exit=False,
            id_generator=_TraceIds(),
            span_limits=SpanLimits(max_attribute_length=_LONGEST_ATTRIBUTE),
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(url, timeout=_SEND_SECONDS),
                max_queue_size=MOST_WAITING,
                schedule_delay_millis=_BATCH_INTERVAL_MS,
                max_export_batch_size=_MOST_AT_ONCE,
            )
        )
        self._tracer = self._provider.get_tracer("zooscope")

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = NO_ATTRIBUTES,
    ) -> Iterator[Span]:
        """A span that lasts as long as the block; an error in the block does not mark it as failed."""
        recorded = self._tracer.start_span(
            name, _parent(kind), kind=_KINDS[kind], attributes=attributes
        )
        span_id = trace.format_span_id(recorded.get_span_context().span_id)
        try:
            with inside_span(span_id):
                yield _OtlpSpan(self._tracer, recorded)
        finally:
            recorded.end()

    def close(self) -> None:
        """Send what has not been sent, for at most ``CLOSE_SECONDS``."""
        sender = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        sender.start()
        sender.join(CLOSE_SECONDS)


class _OtlpSpan(Span):
    """A span under way."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def fail(self, error_type: str) -> None:
        _fail(self._span, error_type)

    def add_part(
        self, name: str, *, start: float, end: float, error_type: str | None = None
    ) -> None:
        if not isinstance(self._span, ReadableSpan) or self._span.start_time is None:
            return
        began = self._span.start_time
        context = trace.set_span_in_context(self._span, Context())
        part = self._tracer.start_span(name, context, start_time=began + int(start * _NANOSECONDS))
        if error_type is not None:
            _fail(part, error_type)
        part.end(began + int(end * _NANOSECONDS))


class _TraceIds(RandomIdGenerator):
    """Gives a span without a parent the trace id that logs and responses have."""

    def generate_trace_id(self) -> int:
        trace_id = current_trace_id()
        return super().generate_trace_id() if trace_id is None else int(trace_id, 16)


def _fail(span: trace.Span, error_type: str) -> None:
    span.set_attribute("error.type", error_type)
    span.set_status(StatusCode.ERROR)


def _parent(kind: SpanKind) -> Context:
    """The context of a new span: the current span is its parent, if there is one."""
    trace_id, span_id = current_trace_id(), current_span_id()
    if trace_id is None or span_id is None:
        return Context()
    parent = SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=kind is not SpanKind.INTERNAL,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


class _RareWarnings(logging.Handler):
    """Logs at most one of OpenTelemetry's own messages per ``LOG_INTERVAL_SECONDS``."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._next = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LOG_INTERVAL_SECONDS
        _log.warning(
            "spans are not sent",
            reason=record.getMessage()[:300],
            remedy="look whether the collector at ZOO_OTLP_ENDPOINT answers; until then spans are dropped",
        )


def _limit_log() -> None:
    """OpenTelemetry logs through one rare handler in this process."""
    logger = logging.getLogger("opentelemetry")
    logger.handlers = [_RareWarnings()]
    logger.propagate = False
