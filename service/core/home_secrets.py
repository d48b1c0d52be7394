"""Secrets that a home folder keeps, and the proof that a service belongs to one.

A program that holds the home's secret sends a fresh random challenge. The service answers with a
MAC of the challenge and of the address at which it was reached. A program without the secret
cannot compute it, and cannot pass on the answer of the real service either, since that one was
reached at another address.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from pathlib import Path

CHALLENGE_PATTERN = r"^[0-9a-f]{64}$"
_CONTEXT = "zooscope home 1"


class Purpose(StrEnum):
    """What a secret is for; its value is the name of its file."""

    PAGE_TOKENS = "page_token_secret"
    IDENTITY = "identity_secret"


def home_secret(folder: Path, purpose: Purpose) -> bytes:
    """The secret of ``folder``, made at the first call; only its owner can read it.

    Processes that start together agree: the file appears whole, and only once.
    """
    path = folder / purpose
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_bytes()


def new_challenge() -> str:
    """A challenge that nobody can have asked before."""
    return secrets.token_hex(32)


def proof_of(secret: bytes, *, challenge: str, host: str, port: int) -> str:
    """The answer to a challenge of a service that was reached at this IP address and port."""
    message = f"{_CONTEXT}\n{challenge}\n{_plain(host)}\n{port}"
    return hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()


def _plain(host: str) -> str:
    """An IP address in one spelling, be it seen through a socket of IPv4 or of IPv6."""
    address = ip_address(host.split("%", 1)[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
