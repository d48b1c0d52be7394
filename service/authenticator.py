"""Answers who sends a request: the same check for both APIs, before they read a body."""

import math
from dataclasses import dataclass
from functools import cache

from service.adapters.request_counts import SharedCounts
from service.container import Zoo
from service.core.client_addresses import Proxies, client_address, sender_address
from service.core.errors import RateLimitedError, UnauthenticatedError
from service.core.operations.access import keys, sessions
from service.core.operations.access.audited_calls import identified
from service.core.operations.access.key_cache import KeyCache
from service.core.operations.access.keys import ANYBODY, Caller, ValidKey
from service.key_uses import KeyUses

_WINDOW_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
# Longer than any process keeps a caller without looking its key up.
_REVOCATION_SECONDS = 60.0


@dataclass(frozen=True)
class Limit:
    """At most ``number`` events within ``seconds``."""

    number: int
    seconds: int


@cache
def limit_of(text: str) -> Limit:
    """The limit that a setting such as ``20/minute`` describes."""
    number, _, period = text.partition("/")
    return Limit(int(number), _WINDOW_SECONDS[period])


@dataclass(frozen=True)
class Credentials:
    """What a request shows of its sender: the authorization, and where it comes from.

    ``peer`` is the other end of the connection and ``forwarded_for`` what proxies say it is;
    ``session`` is the token in a browser's cookie, which counts only without an authorization.
    """

    authorization: str | None
    peer: str
    forwarded_for: str
    session: str | None = None

    @property
    def token(self) -> str:
        """The token of the authorization or the cookie. Raises UnauthenticatedError.

        A cookie holds only sessions and an authorization never one: a page cannot read the token
        of its session, so whoever sends it in a header has stolen it.
        """
        if self.authorization is None and self.session is not None:
            is_session, token = True, self.session
        else:
            is_session, token = False, _token_in(self.authorization)
        if token.startswith(sessions.SESSION_PREFIX) is not is_session:
            raise _no_key()
        return token

    def address(self, proxies: Proxies) -> str:
        """The address of the sender, as far as trusted proxies tell it."""
        return sender_address(self.peer, forwarded_for=self.forwarded_for, trusted=proxies)


class Authenticator:
    """Checks keys and counts requests for one process. Thread-safe; a call may ask the database.

    Wrong keys are counted by address, requests by key; all processes count together in Redis.
    """

    def __init__(self, zoo: Zoo) -> None:
        self._zoo = zoo
        self._cache = KeyCache()
        self._uses = KeyUses(zoo)
        url = zoo.settings.redis_url
        self._counts = SharedCounts(None if url is None else url.get_secret_value())

    def caller(self, credentials: Credentials) -> Caller:
        """The caller, whose request is now counted.

        Raises:
            UnauthenticatedError: The key is missing, malformed, unknown, revoked or expired.
            RateLimitedError: ``rate_limited``: the key sent too many requests;
                ``too_many_wrong_keys``: the address sent too many wrong keys.
        """
        if not self._zoo.settings.auth:
            return identified(ANYBODY)
        token = credentials.token
        caller = identified(self._cache.fresh(token) or self._looked_up(token, credentials))
        count = self._counts.add(
            f"requests:{caller.key_id}",
            seconds=self._request_limit.seconds,
            marker=_revocation(caller.key_id),
        )
        if count.marked:
            caller = self._looked_up(token, credentials)
        if count.number > self._request_limit.number:
            raise RateLimitedError(
                f"this key exceeded {self._zoo.settings.rate_limit}",
                remedy="send fewer requests, or raise ZOO_RATE_LIMIT",
                retry_after_seconds=math.ceil(count.seconds_left),
            )
        self._uses.note(caller.key_id)
        return caller

    def signed_out(self, token: str) -> None:
        """Forget a session that has just ended; other processes notice within seconds."""
        self._cache.remove(token)

    def revoked(self, key_id: str) -> None:
        """Let every process look a key up again that has just been revoked."""
        self._counts.add(_revocation(key_id), seconds=_REVOCATION_SECONDS)

    @property
    def _request_limit(self) -> Limit:
        return limit_of(self._zoo.settings.rate_limit)

    @property
    def _wrong_key_limit(self) -> Limit:
        return limit_of(self._zoo.settings.wrong_key_limit)

    def _looked_up(self, token: str, credentials: Credentials) -> Caller:
        """The caller with this token, from the database, unless the address sent too many wrong ones.

        A token that this process knows as valid is looked up in any case: others at the same address
        cannot lock it out.
        """
        address = client_address(
            credentials.peer,
            forwarded_for=credentials.forwarded_for,
            trusted=self._zoo.settings.proxies,
        )
        if not self._cache.was_valid(token):
            self._require_few_wrong_keys(address)
        try:
            key = self._read(token)
        except UnauthenticatedError as error:
            self._cache.remove(token)
            if error.code != sessions.ENDED:
                self._counts.add(_wrong_keys(address), seconds=self._wrong_key_limit.seconds)
            raise
        self._cache.store(token, key)
        return key.caller

    def _read(self, token: str) -> ValidKey:
        with self._zoo.transaction() as session:
            if token.startswith(sessions.SESSION_PREFIX):
                return sessions.valid_session(session, token=token)
            if token.startswith(sessions.LINK_PREFIX):
                # Valid for no time at all: a link that was used a moment ago is not remembered.
                return ValidKey(sessions.link_holder(session, token=token), 0.0)
            return keys.valid_key(session, token=token)

    def _require_few_wrong_keys(self, address: str) -> None:
        count = self._counts.read(_wrong_keys(address))
        if count.number >= self._wrong_key_limit.number:
            raise RateLimitedError(
                f"too many wrong keys came from {address}",
                code="too_many_wrong_keys",
                remedy="wait, then send a valid key; if the clients of a proxy share this address,"
                " name the proxy in ZOO_TRUSTED_PROXIES",
                retry_after_seconds=math.ceil(count.seconds_left),
            )


def _token_in(authorization: str | None) -> str:
    """The token of a bearer authorization. Raises UnauthenticatedError."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _no_key()
    return token.strip()


def _no_key() -> UnauthenticatedError:
    return UnauthenticatedError(
        "no API key was sent",
        remedy="send `Authorization: Bearer zoo_…`, over gRPC as metadata",
    )


def _wrong_keys(address: str) -> str:
    return f"wrong-keys:{address}"


def _revocation(key_id: str) -> str:
    return f"revoked:{key_id}"
