"""Prepares a zoo before its APIs start: the tables, a first key, and a link that signs a browser in."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.container import zoo_from
from service.core.errors import UnauthenticatedError
from service.core.operations.access import keys, sessions
from service.embedded.home import Home
from service.migrate import migrate
from service.settings import Settings


@dataclass(frozen=True)
class Prepared:
    """What the start of a zoo shows.

    Attributes:
        new_key: The administrator's key if this start created it.
        sign_in_path: Path of a page that signs one browser in, once; None without a valid key in
            the home folder.
    """

    new_key: str | None
    sign_in_path: str | None


def prepare(settings: Settings, home: Home) -> Prepared:
    """Upgrade the tables, create the administrator's key if there is none, and a one-time link.

    The key is written to a file in the home folder as well; the database keeps only its digest.
    """
    zoo = zoo_from(settings, connections=1)
    try:
        migrate(zoo.engine)
        with zoo.transaction() as session:
            issued = keys.issue_first(session)
            if issued is not None:
                home.write_admin_key(issued.token)
        with zoo.transaction() as session:
            path = _sign_in_path(session, settings, home)
    finally:
        zoo.close()
    return Prepared(None if issued is None else issued.token, path)


def _sign_in_path(session: Session, settings: Settings, home: Home) -> str | None:
    """The path of a new link with the key in the home folder."""
    token = home.read_admin_key()
    if token is None or not settings.auth:
        return None
    try:
        key = keys.valid_key(session, token=token)
    except UnauthenticatedError:
        return None
    link = sessions.create_link(session, key.caller, seconds=settings.sign_in_link_seconds)
    return sessions.path_of(link)
