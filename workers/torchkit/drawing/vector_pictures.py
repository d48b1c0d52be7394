"""What makes a vector picture of matplotlib readable for everyone, and free of the network."""

import re
from xml.sax.saxutils import escape

_DOCTYPE = re.compile(rb"<!DOCTYPE[^>]*>\s*")
_ROOT = re.compile(rb"<svg\b([^>]*)>")


def described(picture: bytes, *, title: str, description: str) -> bytes:
    """The SVG with a role, a title and a description, and without the address of a DTD."""
    words = (
        f'<title id="picture-title">{escape(title)}</title>'
        f'<desc id="picture-description">{escape(description)}</desc>'
    ).encode()
    names = b' role="img" aria-labelledby="picture-title picture-description"'

    def root(match: re.Match[bytes]) -> bytes:
        return b"<svg" + match[1] + names + b">" + words

    return _ROOT.sub(root, _DOCTYPE.sub(b"", picture), count=1)
