"""Correlations between the columns of stored files of responses, computed within a request.

Like ``graph_files``, it imports numpy on first use. The file format is that of
``workers.child.save``; a test compares the two.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from service.adapters.graph_files import LENGTH_BYTES, header_of
from service.core.blobs import BlobStore
from service.core.errors import BlobDamagedError, NotFoundError

if TYPE_CHECKING:
    import numpy as np

TENSOR = "responses"


class ResponseFiles:
    """Compares the files of responses of a store."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def correlations(
        self, target: str, unit: int, others: Sequence[str]
    ) -> dict[str, Sequence[float]]:
        """Correlation of one unit with every unit of each file; without the target, nothing."""
        responses = self._standardized(target)
        if responses is None:
            return {}
        column = responses[:, unit]
        correlations = {}
        for digest in others:
            other = responses if digest == target else self._standardized(digest)
            if other is not None and len(other) == len(column):
                correlations[digest] = (column @ other).tolist()
        return correlations

    def _standardized(self, digest: str) -> "np.ndarray[Any, Any] | None":
        """Columns of length 1 around their means, 0 where a unit never varies; None without a file."""
        import numpy as np

        try:
            responses = matrix_of(b"".join(self._blobs.read(digest))).astype(np.float64)
        except (NotFoundError, BlobDamagedError, ValueError, KeyError):
            return None
        deviations = responses - responses.mean(axis=0)
        lengths = np.sqrt((deviations**2).sum(axis=0))
        quotients: np.ndarray[Any, Any] = np.divide(
            deviations, lengths, out=np.zeros_like(deviations), where=lengths > 0
        )
        return quotients


def matrix_of(data: bytes) -> "np.ndarray[Any, Any]":
    """The responses in a file, (image, unit), without a copy."""
    import numpy as np

    length, header = header_of(data)
    tensor = header[TENSOR]
    start, stop = (LENGTH_BYTES + length + at for at in tensor["data_offsets"])
    flat = np.frombuffer(memoryview(data)[start:stop], dtype="<f4")
    return flat.reshape(tensor["shape"])
