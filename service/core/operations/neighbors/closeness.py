"""How alike two graphs are, by the vectors in their files: the protocol; an adapter reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.core.catalog.measurement import RankVariant


@dataclass(frozen=True)
class Closeness:
    """Both parts of an exact similarity; None where too few probes are valid for both."""

    node_similarity: float | None
    edge_similarity: float | None


class GraphComparer(Protocol):
    """Compares graph files, named by their SHA-256."""

    def compare(
        self, target: str, others: Sequence[str], *, variant: RankVariant, min_valid: float
    ) -> Mapping[str, Closeness]:
        """The target beside the first of the others, as many as a request has time for.

        Args:
            variant: How edges are ranked anew where the valid probes differ.
            min_valid: Smallest share of probes that must be valid for both.

        Returns:
            Similarities by the other's SHA-256; a file that cannot be read has none.
        """
        ...
