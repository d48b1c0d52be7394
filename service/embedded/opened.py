"""The zoo of a home folder for a command that works on its files, whether or not it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.container import Zoo, zoo_from
from service.core.errors import UnavailableError
from service.embedded.home import Home, postgres_of
from service.embedded.home_database import with_database
from service.settings import Settings


@contextmanager
def opened(settings: Settings) -> Iterator[Zoo]:
    """The zoo, with its database: the configured one, or the private one, started if necessary.

    Raises:
        UnavailableError: ``home_empty``: no zoo was ever started in the home folder.
        ConflictError: ``home_in_use``: its processes are just starting or stopping.
    """
    if settings.database_url is None and not postgres_of(settings.folder).is_dir():
        raise UnavailableError(
            f"there is no zoo in {settings.folder}",
            code="home_empty",
            remedy="pass --home, set ZOO_HOME, or set ZOO_DATABASE_URL",
        )
    with with_database(settings, Home(settings.folder)) as complete:
        zoo = zoo_from(complete, connections=4)
        try:
            yield zoo
        finally:
            zoo.close()
