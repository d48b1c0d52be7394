"""``python -m service.rest``: serve REST until SIGINT or SIGTERM."""

import uvicorn

from service.logs import start_logging
from service.rest.app import create_app
from service.settings import Settings, settings
from service.wiring import zoo_from

_THREADS = 40
_STOP_SECONDS = 5


def serve(given: Settings) -> None:
    """Serve until told to stop; requests under way get a few seconds to end."""
    start_logging(given)
    zoo = zoo_from(given, connections=20)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(zoo),
            host=given.host,
            port=given.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    try:
        server.run()
    finally:
        zoo.close()


if __name__ == "__main__":
    serve(settings())
