"""``python -m service.rpc``: serve gRPC until SIGINT or SIGTERM."""

import signal
import sys
import threading

import grpc
import structlog

from service.core.errors import UnavailableError, ZooError
from service.logs import start_logging
from service.rpc.server import create_server
from service.settings import Settings, settings
from service.wiring import zoo_from

_STOP_SECONDS = 5.0
_log = structlog.get_logger("zooscope.rpc")


def serve(given: Settings) -> None:
    """Serve until told to stop; calls under way get a few seconds to end."""
    start_logging(given)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    zoo = zoo_from(given, connections=20)
    server = create_server(zoo)
    try:
        address = f"{given.host}:{given.grpc_port}"
        _bind(server, address)
        server.start()
        _log.info("serving", address=address)
        stopping.wait()
        server.stop(_STOP_SECONDS).wait()
    finally:
        zoo.close()


def _bind(server: grpc.Server, address: str) -> None:
    """Listen on the address. Raises UnavailableError when something else does."""
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise UnavailableError(
            f"cannot listen on {address}",
            code="port_in_use",
            remedy="another program uses the port; set ZOO_GRPC_PORT",
        ) from error


if __name__ == "__main__":
    try:
        serve(settings())
    except ZooError as error:
        sys.exit(f"{error.code}: {error.detail}; {error.remedy}")
