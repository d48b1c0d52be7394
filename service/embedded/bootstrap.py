"""Prepares a zoo before its APIs start: the tables and a first key."""

from service.container import zoo_from
from service.core.operations.access import keys
from service.embedded.home import Home
from service.migrate import migrate
from service.settings import Settings


def prepare(settings: Settings, home: Home) -> str | None:
    """Upgrade the tables; return the administrator's key if this call created it.

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
