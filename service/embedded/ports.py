"""Free ports of the loopback interface."""

import socket

from service.core.errors import UnavailableError


def free_port() -> int:
    """A loopback port on which nothing listens at the moment of asking."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int, *, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def require_free(port: int, *, host: str, option: str) -> None:
    """Refuse a port that another program holds.

    Raises:
        UnavailableError: ``port_taken``, with the option that chooses another.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UnavailableError(
                f"port {port} of {host} cannot be used: {error.strerror}",
                code="port_taken",
                remedy=f"end the program that holds it, or choose another with {option}",
            ) from error
