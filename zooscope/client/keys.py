"""Client of the API keys, for administrators and operators."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from zooscope.client.paging import paged
from zooscope.client.results import IssuedKey, Key, OwnKey
from zooscope.client.transport import Resource


class Keys(Resource):
    """``zoo.keys``: create, list and revoke API keys."""

    def create(
        self,
        name: str,
        *,
        scopes: Sequence[str],
        project: str | None = None,
        expires_at: datetime | None = None,
    ) -> IssuedKey:
        """Create a key; only this result contains its ``token``.

        Args:
            name: What the key is for.
            scopes: Any of ``read``, ``write``, ``jobs``, ``admin`` and ``operator``; without the
                scope ``operator``, only those that your own key has.
            project: Project that the key can access; None means your own. Another one needs the
                scope ``operator``, and its first key creates it.
            expires_at: Time with a time zone until which the key is valid; None means until it is
                revoked.
        """
        body: dict[str, Any] = {"name": name, "scopes": list(scopes)}
        if project is not None:
            body["project"] = project
        if expires_at is not None:
            body["expires_at"] = expires_at.isoformat()
        return cast("IssuedKey", self._transport.json("POST", "/keys", body=body))

    def ls(self, *, project: str | None = None) -> Iterator[Key]:
        """List the keys of a project, newest first, including revoked and expired ones.

        ``project`` is your own by default; another one needs the scope ``operator``.
        """
        return paged(self._transport, "/keys", params={"project": project}, limit=None)

    def own(self) -> OwnKey:
        """Get the key that this client sends: its project, scopes and expiry."""
        return cast("OwnKey", self._transport.json("GET", "/keys/self"))

    def revoke(self, key_id: str) -> None:
        """Revoke a key; revoking it again does nothing."""
        self._transport.request("DELETE", f"/keys/{key_id}")
