"""Exact similarity of two graphs: the protocol of the adapter that reads graph files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.core.catalog.measurement import Nodes, RankVariant


@dataclass(frozen=True)
class Closeness:
    """Both parts of an exact similarity; None if too few probes are valid for both."""

    node_similarity: float | None
    edge_similarity: float | None


class GraphComparer(Protocol):
    """Compares graph files, identified by SHA-256."""

    def compare(
        self,
        target: str,
        others: Sequence[str],
        *,
        variant: RankVariant,
        min_valid: float,
        nodes: Nodes = Nodes.MAPS,
    ) -> Mapping[str, Closeness]:
        """Compare the target with the first of the others, as many as the time of a request allows.

        Args:
            variant: How edges are ranked again if the valid probes differ.
            min_valid: Smallest share of probes that must be valid for both.
            nodes: What the rows of the graphs are.

        Returns:
            Similarities by the other's SHA-256; an unreadable file has none. Relations depend on
            which probes are valid, so where these differ they have none either.
        """
        ...

    def image_similarities(self, first: str, second: str) -> Sequence[float | None]:
        """Cosine of the two maps of each probe; None where it does not count for both.

        Empty if a file is unreadable or too large for a request.
        """
        ...
