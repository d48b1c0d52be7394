"""Sends requests to the zoo's REST API; retries them with exponential backoff where that is safe."""

import random
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from zooscope.client.errors import UnreachableError, ZooClientError, error_of

_TRANSIENT = frozenset({429, 502, 503, 504})
_TRANSIENT_CODES = frozenset({"request_in_flight", "upload_busy"})
# Quotas free up when jobs end, not within the seconds of a retry.
_LASTING_CODES = frozenset({"quota_exceeded"})
_REPEATABLE = frozenset({"GET", "HEAD", "DELETE", "POST"})


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a failed request is retried.

    The pause after the n-th failure is ``first_seconds`` · 2ⁿ⁻¹, at most ``largest_seconds``,
    shortened at random by up to half so that many clients do not retry at the same time.

    Attributes:
        attempts: Maximum number of attempts, the first included.
        first_seconds: Pause after the first failure.
        largest_seconds: Longest pause.
    """

    attempts: int = 6
    first_seconds: float = 0.25
    largest_seconds: float = 8.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after this many failures in a row."""
        longest: float = min(self.largest_seconds, self.first_seconds * 2 ** (failures - 1))
        return longest * float(random.uniform(0.5, 1.0))


DEFAULT_RETRY_POLICY = RetryPolicy()


@dataclass(frozen=True)
class Retry:
    """A failed attempt that is going to be repeated.

    Attributes:
        error: Why it failed.
        failures: Number of attempts that failed in a row.
        attempts: Maximum number of attempts.
        pause_seconds: Time until the next attempt.
    """

    error: ZooClientError
    failures: int
    attempts: int
    pause_seconds: float


OnConnect = Callable[[socket.socket], None]
OnRetry = Callable[[Retry], None]


def ignore_retry(retry: Retry) -> None:
    """Do nothing."""


def _certificates(url: str) -> ssl.SSLContext | bool:
    """How certificates are checked; plain HTTP needs none, and they take long to read."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.startswith("http://") else True


class Transport:
    """The connections to one zoo, with its address and key.

    ``on_connect`` is called with every new connection before anything is sent over it, and raises
    to refuse it. Such connections bypass every proxy. ``on_retry`` is called before each pause.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None,
        retry_policy: RetryPolicy,
        timeout_seconds: float,
        on_connect: OnConnect | None = None,
        on_retry: OnRetry = ignore_retry,
    ) -> None:
        headers = {"User-Agent": "zooscope-client"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self.retry_policy = retry_policy
        self._on_retry = on_retry
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/v1",
            headers=headers,
            timeout=timeout_seconds,
            verify=_certificates(url),
            trust_env=on_connect is None,
            event_hooks={"request": [] if on_connect is None else [_connect_hook(on_connect)]},
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The decoded response body; None if it is empty.

        Raises:
            ZooClientError: The zoo refused the request.
            UnreachableError: The zoo did not answer any attempt.
        """
        response = self.request(method, path, params=params, json=body, headers=headers)
        return response.json() if response.content else None

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        """The response. A POST carries an Idempotency-Key, so that a retry does not run it twice."""
        all_headers = dict(headers or {})
        if method == "POST":
            all_headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
        try:
            request = self._http.build_request(
                method, path, params=_without_none(params), headers=all_headers, **content
            )
        except ValueError as error:
            raise ZooClientError(
                f"the request cannot be sent: {error}",
                code="unstorable_value",
                remedy="send finite numbers, and text without lone surrogates",
            ) from error
        attempts = self.retry_policy.attempts if method in _REPEATABLE else 1
        return self._send_with_retries(request, attempts=attempts)

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        silence_seconds: float | None = None,
    ) -> Iterator[httpx.Response]:
        """A response whose body is read in blocks.

        The connection counts as broken after ``silence_seconds`` without a byte; None means the
        client's timeout.
        """
        timeout = {} if silence_seconds is None else {"timeout": silence_seconds}
        with translated_errors():
            arguments: dict[str, Any] = {
                "params": _without_none(params),
                "headers": headers,
                **timeout,
            }
            with self._http.stream("GET", path, **arguments) as response:
                if response.is_error:
                    response.read()
                    raise error_of(response)
                yield response

    def _send_with_retries(self, request: httpx.Request, *, attempts: int) -> httpx.Response:
        """Send until the response is not a transient error, or the attempts are used up."""
        for failures in range(1, attempts):
            try:
                return self._send(request)
            except ZooClientError as error:
                if not is_transient(error):
                    raise
                failure = error
            self.pause(failure, failures)
        return self._send(request)

    def pause(self, error: ZooClientError, failures: int) -> None:
        """Report a failed attempt, then wait as long as the policy and the zoo ask for."""
        policy = self.retry_policy
        requested = min(error.retry_after_seconds, policy.largest_seconds)
        seconds = max(requested, policy.pause(failures))
        self._on_retry(Retry(error, failures, policy.attempts, seconds))
        time.sleep(seconds)

    def _send(self, request: httpx.Request) -> httpx.Response:
        with translated_errors():
            response = self._http.send(request)
        if response.is_error:
            raise error_of(response)
        return response


def _connect_hook(on_connect: OnConnect) -> Callable[[httpx.Request], None]:
    """A request hook that calls ``on_connect`` with the connection that the request opens, if any."""

    def watch(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            stream = info["return_value"]
            try:
                on_connect(stream.get_extra_info("socket"))
            except BaseException:
                stream.close()
                raise

    return lambda request: request.extensions.update(trace=watch)


def is_transient(error: ZooClientError) -> bool:
    """Whether the same request may succeed soon."""
    if error.code in _LASTING_CODES:
        return False
    unreachable = isinstance(error, UnreachableError)
    return unreachable or error.status in _TRANSIENT or error.code in _TRANSIENT_CODES


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn broken connections into UnreachableError."""
    try:
        yield
    except httpx.TransportError as error:
        raise UnreachableError(
            f"no answer from the zoo: {str(error) or type(error).__name__}"
        ) from error


def _without_none(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters that are not None."""
    return {name: value for name, value in (params or {}).items() if value is not None}


class Resource:
    """One kind of things in the zoo, reached over a transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
