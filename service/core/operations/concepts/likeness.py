"""Correlations of output units: the protocol of the adapter that reads files of responses."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class ResponseComparer(Protocol):
    """Compares files of responses to the same images, identified by SHA-256."""

    def correlations(
        self, target: str, unit: int, others: Sequence[str]
    ) -> Mapping[str, Sequence[float]]:
        """Correlation of one unit of the target with every unit of the others, by their SHA-256.

        A unit that responds to all images alike has the correlation 0; a file that cannot be read is
        left out.
        """
        ...
