"""Client of the API keys, for administrators."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from zooscope.client.paging import paged
from zooscope.client.results import IssuedKey, Key
from zooscope.client.transport import Resource


class Keys(Resource):
    """``zoo.keys``: issue, list and revoke API keys."""

    def issue(self, name: str, *, scopes: Sequence[str], project: str | None = None) -> IssuedKey:
        """Issue a key; only this result contains its ``token``.

        Args:
            name: What the key is for.
            scopes: Any of ``read``, ``write``, ``jobs`` and ``admin``.
            project: Project that the key can access; None means the caller's own.
        """
        body: dict[str, Any] = {"name": name, "scopes": list(scopes)}
        if project is not None:
            body["project"] = project
        return cast("IssuedKey", self._transport.json("POST", "/keys", body=body))

    def ls(self) -> Iterator[Key]:
        """List the keys of the project, newest first, including revoked ones."""
        return paged(self._transport, "/keys", params={}, limit=None)

    def revoke(self, key_id: str) -> None:
        """Revoke a key; revoking it again does nothing."""
        self._transport.request("DELETE", f"/keys/{key_id}")
