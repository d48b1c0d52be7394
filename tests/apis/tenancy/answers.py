"""Answers of either API in a form in which two of them can be compared."""

import re
from dataclasses import dataclass
from typing import Any, Self

import grpc
import httpx
from google.protobuf.json_format import MessageToJson

from tests.rpc.channels import refusal_in

_CHANGING = (
    (re.compile(r"\bzoo_[\w-]{20,}"), "TOKEN"),
    (re.compile(r"\b[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"), "TIME"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "DIGEST"),
)
_REFUSALS = {"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "ABORTED"}
# Whether a refusal ends the connection depends on how much of the body has arrived.
_IGNORED_HEADERS = {
    "connection",
    "content-length",
    "date",
    "server",
    "trace-id",
    "upload-expires",
}


@dataclass(frozen=True)
class ComparedAnswer:
    """What a client gets.

    Attributes:
        outcome: A status, as a number or a word.
        text: Everything, bytes included.
        comparable: The same in an order that does not change.
    """

    outcome: str
    text: str
    comparable: str

    @property
    def refused(self) -> bool:
        """Whether the request is the client's mistake, over either API."""
        return self.outcome in _REFUSALS or self.outcome.startswith("4")

    @property
    def form(self) -> str:
        """What it says without ids, times and digests: equal for two ids of which neither exists."""
        text = self.comparable
        for pattern, word in _CHANGING:
            text = pattern.sub(word, text)
        return text

    def without(self, name: str) -> Self:
        """The same answer with a word in place of a name that was sent."""
        texts = (text.replace(name, "NAME") for text in (self.text, self.comparable))
        return type(self)(self.outcome, *texts)


def of_response(response: httpx.Response) -> ComparedAnswer:
    """An answer of the REST API: status, headers and body."""
    headers = sorted(
        (name, value) for name, value in response.headers.items() if name not in _IGNORED_HEADERS
    )
    body = response.content.decode(errors="replace")
    text = f"{response.status_code} {headers} {body}"
    return ComparedAnswer(str(response.status_code), text, text)


def of_messages(messages: Any) -> ComparedAnswer:
    """An answer of the gRPC API: its messages."""
    received = list(messages)
    values = [MessageToJson(message, sort_keys=True) for message in received]
    return ComparedAnswer("OK", "\n".join(map(str, received)), "\n".join(values))


def of_rpc_error(error: grpc.RpcError) -> ComparedAnswer:
    """A refusal of the gRPC API: status and details."""
    refusal = refusal_in(error)
    return ComparedAnswer(refusal.status.name, repr(refusal), repr(refusal))
