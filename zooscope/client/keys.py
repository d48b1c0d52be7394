"""Who may do what, as an administrator's client handles it."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from zooscope.client.paging import paged
from zooscope.client.results import IssuedKey, Key
from zooscope.client.transport import Transport


class Keys:
    """``zoo.keys``: issue, look, revoke."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def issue(self, name: str, *, scopes: Sequence[str], project: str | None = None) -> IssuedKey:
        """A new key; its ``token`` is told now and never again.

        Args:
            name: What it is for.
            scopes: Among ``read``, ``write``, ``jobs`` and ``admin``.
            project: Whose things it opens; None means the caller's own.
        """
        body: dict[str, Any] = {"name": name, "scopes": list(scopes)}
        if project is not None:
            body["project"] = project
        return cast("IssuedKey", self._transport.json("POST", "/keys", body=body))

    def ls(self) -> Iterator[Key]:
        """The keys of the project, newest first, revoked ones included."""
        return paged(self._transport, "/keys", params={}, limit=None)

    def revoke(self, key_id: str) -> None:
        """End a key's life; a second time changes nothing."""
        self._transport.request("DELETE", f"/keys/{key_id}")
