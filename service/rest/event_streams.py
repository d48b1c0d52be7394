"""What all streams of server-sent events share: their schema, and how they end with an error."""

from typing import Any

from fastapi import Request
from fastapi.sse import ServerSentEvent

from service.rest.error_handlers import expected_error, problem_response


def stream_schema(view: str, *, example: str) -> dict[str, Any]:
    """The part of the OpenAPI document that says what the data of events is."""
    data = {
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": f"#/components/schemas/{view}"},
        "description": "Of an event of the type `error`, the data is a problem document instead.",
    }
    content = {"itemSchema": {"properties": {"data": data}}, "example": example}
    return {"responses": {"200": {"content": {"text/event-stream": content}}}}


def closing_event(error: Exception, request: Request) -> ServerSentEvent | None:
    """The last event of a stream that cannot continue; None if the error is a fault of ours."""
    expected = expected_error(error)
    if expected is None:
        return None
    problem = problem_response(expected, instance=request.url.path)
    return ServerSentEvent(raw_data=bytes(problem.body).decode(), event="error")
