"""Asks a service to prove that it belongs to a home folder. Loads nothing but the standard library."""

import hmac
import json
import socket
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

from service.core.home_secrets import new_challenge, proof_of

_LONGEST_ANSWER_BYTES = 4096


def is_of_home(connection: socket.socket, *, secret: bytes, host_header: str) -> bool:
    """Whether the other end of a fresh connection proves that it knows the home's secret.

    The connection stays open and can be used for other requests afterwards.

    Raises:
        OSError: The other end hung up, or was silent for longer than the connection's timeout.
    """
    challenge = new_challenge()
    host, port = connection.getpeername()[:2]
    expected = proof_of(secret, challenge=challenge, host=host, port=port)
    answer = _answer(connection, f"/healthz?challenge={challenge}", {"Host": host_header})
    return hmac.compare_digest(str(answer.get("proof", "")).encode(), expected.encode())


def answers_as_home(
    host: str, port: int, *, secret: bytes, host_header: str, timeout_seconds: float
) -> bool:
    """Whether the service at this address answers in time and belongs to the home."""
    try:
        with socket.create_connection((host, port), timeout=timeout_seconds) as connection:
            return is_of_home(connection, secret=secret, host_header=host_header)
    except OSError:
        return False


def _answer(connection: socket.socket, path: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
    """The JSON object that a GET is answered with; empty when the answer is none."""
    http = HTTPConnection("unused")
    http.sock = connection
    http.auto_open = 0
    try:
        http.request("GET", path, headers=dict(headers))
        body = json.loads(http.getresponse().read(_LONGEST_ANSWER_BYTES))
    except (HTTPException, ValueError):
        return {}
    return body if isinstance(body, dict) else {}
