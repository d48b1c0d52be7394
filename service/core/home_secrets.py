"""Secrets of a home folder, and the proof that a service belongs to it.

A program with the secret of the home sends a new random challenge. The service returns a MAC of the
challenge and of the address at which it was reached. A program without the secret cannot compute the
MAC, and cannot relay that of the real service, which was reached at another address.
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

from service.core.private_files import private_folder

CHALLENGE_PATTERN = r"^[0-9a-f]{64}$"
_CONTEXT = "zooscope home 1"


class Purpose(StrEnum):
    """The purpose of a secret; the value is the name of its file."""

    PAGE_TOKENS = "page_token_secret"
    IDENTITY = "identity_secret"


def home_secret(folder: Path, purpose: Purpose) -> bytes:
    """The secret of ``folder``, created by the first call; only the owner can read it.

    Processes that start at the same time get the same secret: the file is created atomically, once.
    """
    path = folder / purpose
    if not path.exists():
        private_folder(folder)
        handle, draft = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_bytes()


def new_challenge() -> str:
    """A new random challenge."""
    return secrets.token_hex(32)


def proof_of(secret: bytes, *, challenge: str, host: str, port: int) -> str:
    """The proof for a challenge to a service that was reached at this IP address and port."""
    message = f"{_CONTEXT}\n{challenge}\n{_plain(host)}\n{port}"
    return hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()


def _plain(host: str) -> str:
    """The canonical form of an IP address, for sockets of IPv4 and of IPv6."""
    address = ip_address(host.split("%", 1)[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
