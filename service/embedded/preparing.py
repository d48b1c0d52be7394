"""What must be true of a zoo before its doors open: tables, a first key, no open barn door."""

from service.core.errors import InvalidRequestError
from service.core.operations import keys
from service.embedded.home import Home
from service.migrating import migrate
from service.settings import Settings
from service.wiring import zoo_from

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def prepare(settings: Settings, home: Home) -> str | None:
    """Bring the tables up to date; return the administrator's key if this made it.

    The key is written to a file in the home folder as well; the database keeps only its digest.
    """
    zoo = zoo_from(settings, connections=1)
    try:
        migrate(zoo.engine)
        with zoo.transaction() as session:
            issued = keys.issue_first(session)
            if issued is not None:
                home.write_admin_key(issued.token)
    finally:
        zoo.close()
    return None if issued is None else issued.token


def refuse_strangers_without_keys(settings: Settings) -> None:
    """Raise InvalidRequestError when anybody on the network could use the zoo."""
    if settings.auth or settings.host in LOOPBACK:
        return
    raise InvalidRequestError(
        f"listening on {settings.host} without API keys would open the zoo to the network",
        code="public_without_keys",
        remedy="leave ZOO_AUTH on, or listen on 127.0.0.1",
    )
