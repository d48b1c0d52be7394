"""Files as pieces that fit into a message."""

from collections.abc import Iterable, Iterator

PIECE_BYTES = 1024 * 1024


def pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at most a mebibyte; gRPC refuses messages above four."""
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE_BYTES):
            yield chunk[start : start + PIECE_BYTES]
