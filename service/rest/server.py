"""The HTTP server of a zoo: a Zoo in, a server out."""

from functools import partial
from typing import Any, cast

import uvicorn

from service.container import Zoo
from service.rest.app import create_app
from service.rest.connections import ConnectionLimits, OpenConnections
from service.rest.guarded_protocol import GuardedProtocol

_STOP_SECONDS = 5


def create_server(zoo: Zoo, **options: Any) -> uvicorn.Server:
    """The server of ``zoo``, which the caller closes; ``options`` are more of uvicorn's."""
    limits = ConnectionLimits.of(zoo.settings)
    protocol = partial(GuardedProtocol, open_connections=OpenConnections(limits))
    config = uvicorn.Config(
        create_app(zoo),
        http=cast("Any", protocol),
        ws="none",
        timeout_keep_alive=limits.keep_alive_seconds,
        log_config=None,
        access_log=False,
        server_header=False,
        # X-Forwarded-For counts only where ZOO_TRUSTED_PROXIES says so.
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
        **options,
    )
    return uvicorn.Server(config)
