"""Which zoo a command talks to, and with which key."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from service.client import LOCAL_URL

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Address:
    """Where a zoo is and the API key to show it."""

    url: str
    key: str | None


def address_of(*, url: str | None, key: str | None, home: Path | None) -> Address:
    """The address that was given, completed by what ``zooscope up`` left in its home folder.

    The administrator's key of this machine is shown only to a zoo of this machine.
    """
    if url is not None and key is not None:
        return Address(url, key)
    folder = _folder(home)
    where = url or _running_url(folder) or LOCAL_URL
    local = urlsplit(where).hostname in _LOOPBACK
    return Address(where, key or (_admin_key(folder) if local else None))


def _folder(home: Path | None) -> Path:
    if home is not None:
        return home.expanduser()
    # Half the start-up time of a command; not needed when everything is given.
    from service.settings import settings

    return settings().folder


def _running_url(folder: Path) -> str | None:
    """Where the zoo of this folder said that it listens."""
    try:
        said = json.loads((folder / "up.json").read_text())
    except (OSError, ValueError):
        return None
    return str(said["rest_url"])


def _admin_key(folder: Path) -> str | None:
    try:
        return (folder / "admin.key").read_text().strip()
    except OSError:
        return None
