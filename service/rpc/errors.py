"""Every error leaves as a google.rpc.Status with an ErrorInfo, with the status of one table."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from service.core import errors
from service.core.errors import ZooError
from service.core.tracing import current_trace_id
from service.views.problems import problem_of

DOMAIN = "zooscope"

STATUS: Mapping[type[ZooError], grpc.StatusCode] = {
    errors.InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.ForbiddenError: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.ConflictError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.PreconditionFailedError: grpc.StatusCode.ABORTED,
    errors.PreconditionRequiredError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.TooLargeError: grpc.StatusCode.OUT_OF_RANGE,
    errors.MessageTooLargeError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.RateLimitedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.StorageFullError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.MethodError: grpc.StatusCode.INVALID_ARGUMENT,
}


def status_of(error: ZooError) -> grpc.StatusCode:
    """The gRPC status of an error: that of the nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return grpc.StatusCode.INTERNAL


def answer_to(error: ZooError) -> Status:
    """An error on the wire: its code is the ErrorInfo's reason, the rest is metadata of it."""
    shown = problem_of(error)
    metadata = {
        "remedy": shown.remedy,
        "trace_id": current_trace_id(),
        "errors_omitted": str(shown.omitted) if shown.omitted else None,
        "candidates": _candidates(error),
        **_quota(error),
    }
    info = ErrorInfo(
        reason=shown.code,
        domain=DOMAIN,
        metadata={name: value for name, value in metadata.items() if value},
    )
    fields = [
        BadRequest.FieldViolation(field=problem.pointer, description=problem.reason)
        for problem in shown.fields
    ]
    details: list[Message] = [info]
    if fields:
        details.append(BadRequest(field_violations=fields))
    return Status(
        code=status_of(error).value[0],
        message=shown.detail,
        details=[_packed(detail) for detail in details],
    )


def to_grpc(status: Status, error: ZooError | None) -> grpc.Status:
    """The status as the server sends it, with the metadata ``retry-after`` if waiting helps."""
    converted: Any = rpc_status.to_status(status)
    seconds = None if error is None else error.retry_after_seconds
    if seconds is None:
        return converted  # type: ignore[no-any-return]
    metadata = (*converted.trailing_metadata, ("retry-after", str(math.ceil(seconds))))
    return converted._replace(trailing_metadata=metadata)  # type: ignore[no-any-return]


def _quota(error: ZooError) -> dict[str, str]:
    """The quota that a call exceeds, and when to try again where that is known."""
    values = {} if error.quota is None else asdict(error.quota)
    if error.retry_after_seconds is not None:
        values["retry_after_seconds"] = math.ceil(error.retry_after_seconds)
    return {name: str(value) for name, value in values.items()}


def _candidates(error: ZooError) -> str:
    """The rows that an ambiguous name may stand for, as the JSON that REST sends."""
    rows = [
        {**asdict(candidate), "created_at": candidate.created_at.isoformat()}
        for candidate in error.candidates
    ]
    return json.dumps(rows, ensure_ascii=False) if rows else ""


def crash() -> Status:
    """The status of an unexpected error."""
    info = ErrorInfo(
        reason="internal_error", domain=DOMAIN, metadata={"trace_id": current_trace_id() or ""}
    )
    return Status(
        code=grpc.StatusCode.INTERNAL.value[0],
        message="unexpected error; the log has it under the trace id",
        details=[_packed(info)],
    )


def _packed(message: Message) -> Any:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
