"""Ports of this machine: free ones, and those reserved for REST and gRPC.

``zooscope up`` reserves both ports before it starts anything and holds them until it exits, so that
no other program can take one while the database starts or a component restarts. The REST process
inherits the listening socket. gRPC cannot inherit one: a socket that never listens holds its port
and shares it with the gRPC process (SO_REUSEPORT, which only processes of the same user can use).
"""

import errno
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from service.core.errors import UnavailableError

BACKLOG = 2048
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS_FRAME = b"\x04"
# A frame's head: three bytes of length, its type, its flags, four bytes of the stream.
_EMPTY_SETTINGS = bytes(3) + _SETTINGS_FRAME + bytes(5)
NEXT_PORTS = 100
_FIRST_FREE_PORT = 16_384
_FIRST_OUTGOING_PORT = 32_768
REST_OPTION = "--port or ZOO_PORT"
GRPC_OPTION = "--grpc-port or ZOO_GRPC_PORT"


@dataclass(frozen=True)
class TakenPort:
    """A port that this process holds while the socket is open."""

    socket: socket.socket

    @property
    def number(self) -> int:
        """The port."""
        return int(self.socket.getsockname()[1])

    def fileno(self) -> int:
        """Descriptor of the socket, for a component to inherit."""
        return self.socket.fileno()

    def close(self) -> None:
        """Release the port; a second call does nothing."""
        self.socket.close()


def free_port() -> int:
    """A loopback port on which nothing listens now.

    It lies below the ports that a kernel gives to outgoing connections: one of those could take it
    before its server does, or while the server restarts.
    """
    numbers = random.SystemRandom()
    while True:
        port = numbers.randrange(_FIRST_FREE_PORT, _FIRST_OUTGOING_PORT)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def listens(port: int, *, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def speaks_http2(host: str, port: int, *, timeout_seconds: float) -> bool:
    """Whether a server at this address answers the first frame of HTTP/2 with its own."""
    try:
        with socket.create_connection((host, port), timeout=timeout_seconds) as connection:
            connection.sendall(_HTTP2_PREFACE + _EMPTY_SETTINGS)
            return connection.recv(len(_EMPTY_SETTINGS))[3:4] == _SETTINGS_FRAME
    except OSError:
        return False


def is_listening(pid: int, port: int) -> bool:
    """Whether this process listens on the port."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )


def listening(host: str, port: int) -> TakenPort:
    """The port with a listening socket; connections wait until a process accepts them.

    Raises:
        UnavailableError: See ``cannot_listen``.
    """
    try:
        taken = socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
    except OSError as error:
        raise cannot_listen(error, host=host, port=port, option=REST_OPTION) from error
    return TakenPort(taken)


def reserved(host: str, port: int) -> TakenPort:
    """The port with a socket that does not listen, so that another socket of this user can.

    Raises:
        UnavailableError: See ``cannot_listen``.
    """
    reservation = socket.socket(_family(host))
    try:
        # SO_REUSEPORT also binds beside a server that shares its port; only a plain bind detects it.
        with socket.socket(_family(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reservation.bind((host, port))
    except OSError as error:
        reservation.close()
        raise cannot_listen(error, host=host, port=port, option=GRPC_OPTION) from error
    return TakenPort(reservation)


def next_free(take: Callable[[int], TakenPort], first: int) -> TakenPort:
    """The first port from ``first`` on that ``take`` can reserve.

    Raises:
        UnavailableError: ``port_in_use``, none of the next hundred is free.
    """
    last = first + NEXT_PORTS
    for port in range(first, last):
        try:
            return take(port)
        except UnavailableError as error:
            if error.code != "port_in_use":
                raise
    return take(last)


def cannot_listen(error: OSError, *, host: str, port: int, option: str) -> UnavailableError:
    """The error for a port: ``port_in_use``, or ``cannot_listen`` for any other reason."""
    in_use = error.errno == errno.EADDRINUSE
    reason = "another program uses it" if in_use else error.strerror
    remedy = f"choose another port with {option}"
    return UnavailableError(
        f"port {port} of {host} cannot be used: {reason}",
        code="port_in_use" if in_use else "cannot_listen",
        remedy=f"stop the program that uses it, or {remedy}"
        if in_use
        else f"{remedy}, or another address with ZOO_HOST",
    )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
