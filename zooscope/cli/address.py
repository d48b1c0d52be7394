"""Address and API key of the zoo that a command uses."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service.core.home_secrets import Purpose
from service.embedded.home_check import is_of_home
from zooscope.client import LOCAL_URL, UnreachableError, ZooClient, ZooClientError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Address:
    """Address of a zoo and the API key to send.

    ``home`` is the folder that the address or the key was read from. The client then sends the key
    only over connections whose other end proves that it belongs to this folder; without ``home`` it
    sends the key unconditionally.
    """

    url: str
    key: str | None
    home: Path | None = None

    def client(self, **options: Any) -> ZooClient:
        """A client of the zoo; ``options`` are those of ZooClient."""
        if self.home is None or self.key is None:
            return ZooClient(self.url, key=self.key, **options)
        check = _check(self.url, self.home)
        return ZooClient(self.url, key=self.key, on_connect=check, **options)


def address_of(*, url: str | None, key: str | None, home: Path | None) -> Address:
    """The given address, completed with what ``zooscope up`` wrote to its home folder.

    A key is sent only to the zoo of the home folder that it, or the address, was read from.
    """
    if url is not None and key is not None:
        return Address(url, key)
    folder = _folder(home)
    if url is None and (running := _running_url(folder)) is not None:
        return Address(running, key or _admin_key(folder), folder)
    address = url or LOCAL_URL
    if key is not None or urlsplit(address).hostname not in _LOOPBACK:
        return Address(address, key)
    return Address(address, _admin_key(folder), folder)


def _folder(home: Path | None) -> Path:
    if home is not None:
        return home.expanduser()
    # Importing this takes half the start-up time of a command; skip it if everything is given.
    from service.settings import settings

    return settings().folder


def _running_url(folder: Path) -> str | None:
    """The REST address that the zoo of this folder published."""
    try:
        running = json.loads((folder / "up.json").read_text())
    except (OSError, ValueError):
        return None
    return str(running["rest_url"])


def _admin_key(folder: Path) -> str | None:
    try:
        return (folder / "admin.key").read_text().strip()
    except OSError:
        return None


def _check(url: str, home: Path) -> Callable[[socket.socket], None]:
    """A check that refuses connections whose other end does not belong to the home folder.

    The check raises ZooClientError ``home_mismatch``, or UnreachableError without a response.
    """

    def check(connection: socket.socket) -> None:
        try:
            secret = (home / Purpose.IDENTITY).read_bytes()
        except OSError:
            raise _not_this_home(url, home) from None
        try:
            proved = is_of_home(connection, secret=secret, host_header=urlsplit(url).netloc)
        except OSError as error:
            raise UnreachableError(f"no answer from {url}: {error}") from error
        if not proved:
            raise _not_this_home(url, home)

    return check


def _not_this_home(url: str, home: Path) -> ZooClientError:
    return ZooClientError(
        f"the service at {url} is not the zoo of {home}; the key was not sent",
        code="home_mismatch",
        remedy=f"start that zoo with `zooscope up --home {home}`;"
        " to send a key to this address anyway, pass --key or set ZOO_KEY",
    )
