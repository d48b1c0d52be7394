"""``python -m service.rpc``: serve gRPC until SIGINT or SIGTERM.

With ``--socket FD`` on the port that the inherited socket with this descriptor reserves.
"""

import errno
import signal
import sys
import threading

import grpc
import structlog

from service.container import zoo_from
from service.core.errors import ZooError
from service.embedded.components import inherited_socket
from service.embedded.ports import GRPC_OPTION, cannot_listen
from service.logs import start_logging
from service.rpc.server import EXCLUSIVE_PORT, SHARED_PORT, create_server
from service.settings import Settings, settings

_STOP_SECONDS = 5.0
_log = structlog.get_logger("zooscope.rpc")


def serve(given: Settings, *, inherited: int | None) -> None:
    """Serve until told to stop; calls under way get a few seconds to end.

    Args:
        given: The settings.
        inherited: Descriptor of a socket that reserves the port; None: nobody reserves it.
    """
    start_logging(given)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    zoo = zoo_from(given, connections=20)
    server = create_server(zoo, port=EXCLUSIVE_PORT if inherited is None else SHARED_PORT)
    try:
        _bind(server, given)
        server.start()
        _log.info("serving", address=_address(given))
        stopping.wait()
        server.stop(_STOP_SECONDS).wait()
    finally:
        zoo.close()


def _address(given: Settings) -> str:
    host = f"[{given.host}]" if ":" in given.host else given.host
    return f"{host}:{given.grpc_port}"


def _bind(server: grpc.Server, given: Settings) -> None:
    """Listen where the settings say. Raises UnavailableError when something else does."""
    try:
        server.add_insecure_port(_address(given))
    except RuntimeError as error:
        # gRPC keeps the reason to itself; a port that is in use is the usual one.
        reason = OSError(errno.EADDRINUSE, str(error))
        raise cannot_listen(
            reason, host=given.host, port=given.grpc_port, option=GRPC_OPTION
        ) from error


if __name__ == "__main__":
    try:
        serve(settings(), inherited=inherited_socket(sys.argv))
    except ZooError as error:
        sys.exit(f"{error.code}: {error.detail}; {error.remedy}")
