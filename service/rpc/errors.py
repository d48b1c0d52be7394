"""Every error leaves as a google.rpc.Status with an ErrorInfo, with the status of one table."""

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from service.core import errors
from service.core.errors import ZooError
from service.core.tracing import current_trace_id

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
    errors.RateLimitedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.MethodError: grpc.StatusCode.INVALID_ARGUMENT,
}


def status_of(error: ZooError) -> grpc.StatusCode:
    """The gRPC status of an error: that of the nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return grpc.StatusCode.INTERNAL


def answer_to(error: ZooError) -> Status:
    """An error on the wire: code as the ErrorInfo's reason, remedy and trace id beside it."""
    metadata = {"remedy": error.remedy, "trace_id": current_trace_id()}
    info = ErrorInfo(
        reason=error.code,
        domain=DOMAIN,
        metadata={name: value for name, value in metadata.items() if value},
    )
    fields = [
        BadRequest.FieldViolation(field=problem.pointer, description=problem.reason)
        for problem in error.errors
    ]
    details: list[Message] = [info]
    if fields:
        details.append(BadRequest(field_violations=fields))
    return Status(
        code=status_of(error).value[0],
        message=error.detail,
        details=[_packed(detail) for detail in details],
    )


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
