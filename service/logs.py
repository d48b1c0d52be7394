"""Structured logging: console text or one JSON object per line, each with the trace id."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from service.core.tracing import current_trace_id
from service.settings import LogFormat, Settings


def start_logging(settings: Settings) -> None:
    """Configure logging for this process and its libraries from the settings."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    as_json = settings.log_format is LogFormat.JSON
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Any] = [
        _with_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared)
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True


def _with_trace(
    logger: Any, name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the trace id of the current request."""
    del logger, name
    trace_id = current_trace_id()
    if trace_id is not None:
        event.setdefault("trace_id", trace_id)
    return event
