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
from service.core.private_files import create_private_files
from service.embedded.components import inherited_socket
from service.embedded.ports import GRPC_OPTION, cannot_listen
from service.logs import start_logging
from service.rpc.server import EXCLUSIVE_PORT, SHARED_PORT, create_server
from service.settings import Settings
from service.settings import settings as load_settings
from service.stop_signals import call_on_signals

_STOP_SECONDS = 5.0
_log = structlog.get_logger("zooscope.rpc")


def serve(settings: Settings, *, inherited: int | None) -> None:
    """Serve until SIGINT or SIGTERM; calls under way get a few seconds to end.

    Args:
        settings: The settings.
        inherited: Descriptor of a socket that reserves the port, if there is one.
    """
    create_private_files()
    start_logging(settings)
    stopping = threading.Event()
    call_on_signals(stopping.set, signal.SIGINT, signal.SIGTERM)
    zoo = zoo_from(settings, connections=20, process="zooscope-grpc")
    server = create_server(zoo, port=EXCLUSIVE_PORT if inherited is None else SHARED_PORT)
    try:
        _bind(server, settings)
        server.start()
        _log.info("serving", address=_address(settings))
        stopping.wait()
        server.stop(_STOP_SECONDS).wait()
    finally:
        zoo.close()


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.grpc_port}"


def _bind(server: grpc.Server, settings: Settings) -> None:
    """Listen where the settings say. Raises UnavailableError when something else does."""
    try:
        server.add_insecure_port(_address(settings))
    except RuntimeError as error:
        # gRPC does not report the reason; usually the port is in use.
        reason = OSError(errno.EADDRINUSE, str(error))
        raise cannot_listen(
            reason, host=settings.host, port=settings.grpc_port, option=GRPC_OPTION
        ) from error


if __name__ == "__main__":
    try:
        serve(load_settings(), inherited=inherited_socket(sys.argv))
    except ZooError as error:
        sys.exit(f"{error.code}: {error.detail}; {error.remedy}")
