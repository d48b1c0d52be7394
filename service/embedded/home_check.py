"""Checks that a service belongs to a home folder, with the standard library alone."""

import hmac
import json
import socket
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

from service.core.home_secrets import new_challenge, proof_of

_MAX_RESPONSE_BYTES = 4096


def is_of_home(connection: socket.socket, *, secret: bytes, host_header: str) -> bool:
    """Whether the other end of a new connection proves that it knows the home folder's secret.

    The connection stays open for other requests.

    Raises:
        OSError: The other end closed the connection or exceeded its timeout.
    """
    challenge = new_challenge()
    host, port = connection.getpeername()[:2]
    expected = proof_of(secret, challenge=challenge, host=host, port=port)
    response = _get_json(connection, f"/healthz?challenge={challenge}", {"Host": host_header})
    return hmac.compare_digest(str(response.get("proof", "")).encode(), expected.encode())


def answers_as_home(
    host: str, port: int, *, secret: bytes, host_header: str, timeout_seconds: float
) -> bool:
    """Whether the service at this address answers in time and belongs to the home folder."""
    try:
        with socket.create_connection((host, port), timeout=timeout_seconds) as connection:
            return is_of_home(connection, secret=secret, host_header=host_header)
    except OSError:
        return False


def _get_json(
    connection: socket.socket, path: str, headers: Mapping[str, str]
) -> Mapping[str, Any]:
    """The JSON object in the response to a GET; empty if the response is not one."""
    http = HTTPConnection("unused")
    http.sock = connection
    http.auto_open = 0
    try:
        http.request("GET", path, headers=dict(headers))
        body = json.loads(http.getresponse().read(_MAX_RESPONSE_BYTES))
    except (HTTPException, ValueError):
        return {}
    return body if isinstance(body, dict) else {}
