"""``Content-Digest`` (RFC 9530): digests that a sender states of the bytes it sends."""

import base64
import binascii
import hashlib
import re
from typing import Any

from service.core.errors import InvalidRequestError, RefusedUploadError

_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512"}
# A member of a dictionary of structured fields (RFC 8941): a key and a byte sequence, parameters.
_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)(?:=(:[A-Za-z0-9+/=]*:))?(?:;[^,]*)?")


def content_digest_of(sha256: str) -> str:
    """The value of the header for bytes with this SHA-256 in hex."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


class DigestCheck:
    """Compares the bytes of a body with the digests in its header; unknown algorithms are ignored.

    Raises:
        InvalidRequestError: ``invalid_content_digest``.
    """

    def __init__(self, header: str | None) -> None:
        self._expected: list[tuple[str, bytes, Any]] = []
        for member in (header or "").split(",") if header is not None else ():
            self._expect(member.strip())

    def _expect(self, member: str) -> None:
        """Note the digest of one member of the header."""
        parts = _MEMBER.fullmatch(member)
        if parts is None:
            raise _invalid(member)
        algorithm = _ALGORITHMS.get(parts[1])
        if algorithm is None:
            return
        hasher = hashlib.new(algorithm)
        try:
            digest = base64.b64decode((parts[2] or "").strip(":"), validate=True)
        except binascii.Error:
            raise _invalid(member) from None
        if len(digest) != hasher.digest_size:
            raise _invalid(member)
        self._expected.append((parts[1], digest, hasher))

    def update(self, data: bytes) -> None:
        """Add the next bytes of the body."""
        for _, _, hasher in self._expected:
            hasher.update(data)

    def require_match(self) -> None:
        """Require that the body had every digest that its header states.

        Raises:
            RefusedUploadError: ``content_digest_mismatch``.
        """
        for algorithm, digest, hasher in self._expected:
            if hasher.digest() != digest:
                raise RefusedUploadError(
                    f"the body does not have the {algorithm} of its Content-Digest",
                    code="content_digest_mismatch",
                    remedy="the bytes were damaged in transit; send them again",
                )


def _invalid(member: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the Content-Digest {member[:100]!r} is invalid",
        code="invalid_content_digest",
        remedy="send `sha-256=:…:` or `sha-512=:…:` with the digest in base64, as in RFC 9530",
    )
