"""Pages of lists: newest first, with opaque, signed page tokens."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from service.core.errors import InvalidRequestError
from service.core.fingerprints import canonical_json

T = TypeVar("T")

DEFAULT_PAGE = 50
LARGEST_PAGE = 1000
_TAG_BYTES = 16


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list, the cursor of each, and whether there are more.

    The page after an item starts after its cursor.
    """

    items: list[T]
    cursors: list[str]
    more: bool

    def next_after(self, shown: int) -> str | None:
        """The cursor after which the next page starts if ``shown`` items are shown; None at the end."""
        if shown == len(self.items) and not self.more:
            return None
        return self.cursors[shown - 1]


def page_of(rows: list[T], *, limit: int, key: str = "id") -> Page[T]:
    """The page of up to ``limit + 1`` rows; the extra row shows that there is another page.

    ``key`` is the attribute that orders the rows.
    """
    shown = rows[:limit]
    return Page(shown, [str(getattr(row, key)) for row in shown], len(rows) > limit)


class PageTokens:
    """Creates and reads page tokens. A token is valid only for the filter it was created for."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, after: str | None, *, scope: Any) -> str | None:
        """The token of the page after the cursor ``after``; None stays None.

        Args:
            after: The cursor of the last item of the previous page.
            scope: Everything that determines the list: project, path, filters. JSON values.
        """
        if after is None:
            return None
        body = after.encode()
        return base64.urlsafe_b64encode(self._tag(body, scope) + body).decode().rstrip("=")

    def read(self, token: str | None, *, scope: Any) -> str | None:
        """The cursor in a token; None stays None.

        Raises:
            InvalidRequestError: ``invalid_page_token``: the token is damaged, forged, or of another list.
        """
        if token is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        except ValueError:
            raise _bad_token() from None
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(body, scope)):
            raise _bad_token()
        return body.decode()

    def _tag(self, body: bytes, scope: Any) -> bytes:
        message = canonical_json(scope).encode() + b"\0" + body
        return hmac.new(self._secret, message, hashlib.sha256).digest()[:_TAG_BYTES]


def _bad_token() -> InvalidRequestError:
    return InvalidRequestError(
        "the page token does not belong to this list",
        code="invalid_page_token",
        remedy="use next_page_token of the previous page with the same filters",
    )
