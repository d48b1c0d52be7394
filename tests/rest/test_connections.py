"""Slow, silent and too many connections are closed; honest ones are not.

The tests wait for the close as an event of the socket. Only the timeout that a test is about is
short: on a busy machine any other could end its connection first.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from service.container import Zoo, zoo_from
from service.core.operations.access import keys
from service.settings import Settings
from tests.rest.served import serving
from tests.waiting import HANG_SECONDS, eventually

MOST_PER_ADDRESS = 8
BYTES_PER_SECOND = 1000
SHORT_SECONDS = 0.5
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
# A request that is answered before its body, since it has no key.
EARLY = (
    b"POST /v1/keys HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100000000\r\n\r\n"
)


@dataclass(frozen=True)
class Server:
    """A server with one short timeout, and a key for it."""

    zoo: Zoo
    port: int
    token: str

    def socket(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=HANG_SECONDS)

    def upload_head(self, *, length: int) -> bytes:
        """The headers of a request with a body."""
        return (
            "POST /v1/models HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ).encode()


@pytest.fixture
def server(request: pytest.FixtureRequest, zoo_settings: Settings) -> Iterator[Server]:
    """A server that waits long, except where ``short`` says otherwise."""
    timeouts = ("header_timeout_seconds", "idle_timeout_seconds", "body_timeout_seconds")
    limits = dict.fromkeys(timeouts, HANG_SECONDS) | {
        "body_bytes_per_second": BYTES_PER_SECOND,
        "max_connections_per_address": MOST_PER_ADDRESS,
    }
    zoo = zoo_from(zoo_settings.model_copy(update=limits | getattr(request, "param", {})))
    with zoo.transaction() as session:
        token = keys.issue(session, project="default", name="a key", scopes=["admin"]).token
    with serving(zoo) as url:
        yield Server(zoo, int(url.rpartition(":")[2]), token)
    zoo.close()


def short(timeout: str) -> pytest.MarkDecorator:
    """Give the server of a test one timeout of half a second."""
    return pytest.mark.parametrize(
        "server", [{f"{timeout}_timeout_seconds": SHORT_SECONDS}], ids=[timeout], indirect=True
    )


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            data += chunk
    return data


def drip(connection: socket.socket, data: bytes) -> None:
    """Send a byte every now and then until the server closes."""
    with contextlib.suppress(OSError):
        for position in range(len(data)):
            connection.sendall(data[position : position + 1])
            time.sleep(0.05)


def answer_to_dripping(connection: socket.socket, data: bytes) -> bytes:
    """What the server sends while another thread drips."""
    thread = threading.Thread(target=drip, args=(connection, data))
    thread.start()
    answer = received(connection)
    connection.close()
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()
    return answer


@short("header")
def test_a_silent_connection_is_closed(server: Server):
    with server.socket() as connection:
        assert b" 408 " in received(connection).partition(b"\r\n")[0]


@short("header")
def test_headers_that_arrive_byte_by_byte_end_the_connection(server: Server):
    with server.socket() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")

        answer = answer_to_dripping(connection, b"X-Slow: " + b"x" * 100_000)

    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert b"request_timeout" in answer
    assert b'"remedy"' in answer


@short("header")
def test_empty_lines_between_requests_keep_no_connection_open(server: Server):
    with server.socket() as connection:
        connection.sendall(REQUEST)
        connection.recv(65536)

        answer_to_dripping(connection, b"\r\n" * 100_000)


@short("body")
def test_a_body_that_arrives_byte_by_byte_ends_the_connection(server: Server):
    with server.socket() as connection:
        connection.sendall(server.upload_head(length=100_000))

        answer = answer_to_dripping(connection, b" " * 100_000)

    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert b"1000 bytes per second" in answer


def test_a_body_that_arrives_after_its_response_keeps_no_connection_open(server: Server):
    with server.socket() as connection:
        connection.sendall(EARLY)

        answer = answer_to_dripping(connection, b" " * 100_000)

    assert answer.startswith(b"HTTP/1.1 4")


def test_a_client_that_leaves_after_an_early_response_makes_room_at_once(server: Server):
    answers = []
    for _ in range(4 * MOST_PER_ADDRESS):
        with server.socket() as connection:
            connection.sendall(EARLY)
            answers.append(received(connection).partition(b"\r\n")[0])

    assert set(answers) == {b"HTTP/1.1 401 Unauthorized"}


@short("idle")
def test_an_idle_connection_is_closed_after_its_response(server: Server):
    with server.socket() as connection:
        connection.sendall(REQUEST)

        assert received(connection).startswith(b"HTTP/1.1 200")


def test_a_header_without_end_is_refused_before_its_time_is_over(server: Server):
    with server.socket() as connection:
        with contextlib.suppress(OSError):
            connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 4 * 1024**2)

        assert b" 431 " in received(connection).partition(b"\r\n")[0]


@short("idle")
def test_a_client_that_does_not_read_is_disconnected(server: Server):
    head = b"GET /static/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(head * 20)

        eventually(lambda: not _is_open_at_the_server(connection))


def _is_open_at_the_server(connection: socket.socket) -> bool:
    """Whether the server still holds its end: sending fails soon after it does not."""
    try:
        connection.send(b" ")
    except OSError:
        return False
    return True


@short("body")
def test_a_slow_but_honest_upload_is_not_disturbed(server: Server):
    def body() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * BYTES_PER_SECOND
            time.sleep(SHORT_SECONDS / 5)

    def is_undisturbed() -> bool:
        answer = httpx.post(
            f"http://127.0.0.1:{server.port}/v1/models",
            content=body(),
            headers={
                "Authorization": f"Bearer {server.token}",
                "Content-Type": "application/json",
            },
            timeout=HANG_SECONDS,
        )
        return (answer.status_code, answer.json()["code"]) == (422, "invalid_json")

    # On a busy machine this client may be as slow as a dishonest one; then it tries again.
    eventually(is_undisturbed)


def test_one_address_has_a_share_of_the_connections(server: Server):
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_PER_ADDRESS):
            stack.enter_context(server.socket())
        surplus = stack.enter_context(server.socket())

        answer = received(surplus)

        assert b" 503 " in answer.partition(b"\r\n")[0]
        assert b"too_many_connections" in answer
        assert b"ZOO_MAX_CONNECTIONS_PER_ADDRESS" in answer

    eventually(lambda: httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200)
