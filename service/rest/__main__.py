"""``python -m service.rest``: serve REST until SIGINT or SIGTERM.

``--socket FD`` serves on the inherited listening socket with this descriptor.
"""

import socket
import sys

from service.container import zoo_from
from service.core.errors import ZooError
from service.core.private_files import create_private_files
from service.embedded.components import inherited_socket
from service.embedded.ports import listening
from service.logs import start_logging
from service.rest.server import create_server
from service.settings import Settings, settings


def serve(config: Settings, *, inherited_fd: int | None) -> None:
    """Serve until a signal arrives; current requests get a few seconds to finish.

    Args:
        config: Settings of this process.
        inherited_fd: Descriptor of a listening socket; None listens at the configured address.
    """
    create_private_files()
    start_logging(config)
    listener = (
        listening(config.host, config.port).socket
        if inherited_fd is None
        else socket.socket(fileno=inherited_fd)
    )
    zoo = zoo_from(config, connections=20, process="zooscope-api")
    try:
        create_server(zoo).run(sockets=[listener])
    finally:
        zoo.close()


if __name__ == "__main__":
    try:
        serve(settings(), inherited_fd=inherited_socket(sys.argv))
    except ZooError as error:
        sys.exit(f"{error.code}: {error.detail}; {error.remedy}")
