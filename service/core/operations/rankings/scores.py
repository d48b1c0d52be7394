"""Order by the score = node similarity + λ · edge similarity, with its interval."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# A normal variable stays within this many standard deviations nine times out of ten.
NINETY_PERCENT = 1.6448536269514722
_VARIANCES = frozenset({"node_variance", "edge_variance", "covariance"})


def ordered(
    pairs: Sequence[Mapping[str, Any]],
    *,
    edge_weight: float,
    effective_probes: float | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Items best first, and the pairs that have no score at this edge weight.

    Equal scores are ordered by node similarity, then by model id.
    """
    scored, without = [], []
    for pair in pairs:
        score = score_of(pair, edge_weight=edge_weight)
        if score is None:
            without.append(_edgeless(pair))
        else:
            scored.append((-score, -pair["node_similarity"], pair["model_id"], pair))
    scored.sort(key=lambda entry: entry[:3])
    items = [
        _item(rank, -s[0], s[3], interval_of(s[3], -s[0], edge_weight, effective_probes))
        for rank, s in enumerate(scored, 1)
    ]
    return items, without


def score_of(pair: Mapping[str, Any], *, edge_weight: float) -> float | None:
    """s_V + λ s_E; None when a part that counts is missing."""
    node: float | None = pair["node_similarity"]
    edge: float | None = pair["edge_similarity"]
    if edge_weight == 0 or node is None:
        return node
    return None if edge is None else node + edge_weight * edge


def interval_of(
    pair: Mapping[str, Any], score: float, edge_weight: float, effective_probes: float | None
) -> list[float]:
    """The 90 % interval of a score over redrawn probes, from the stored variances.

    The variances count copies of an image as different images; with fewer in effect they are larger
    by that factor.
    """
    variance = pair["node_variance"] or 0.0
    if edge_weight:
        edge, covariance = pair["edge_variance"] or 0.0, pair["covariance"] or 0.0
        variance += edge_weight * (edge_weight * edge + 2 * covariance)
    copies = 1.0 if effective_probes is None else max(1.0, pair["valid_probes"] / effective_probes)
    reach = NINETY_PERCENT * math.sqrt(max(0.0, variance) * copies)
    return [score - reach, score + reach]


def _item(
    rank: int, score: float, pair: Mapping[str, Any], interval: list[float]
) -> dict[str, Any]:
    """What is known of the pair, with its costs, but the variances of which the interval is made."""
    shown = {name: value for name, value in pair.items() if name not in _VARIANCES}
    return {"rank": rank, "score": score, "interval": interval, **shown}


def _edgeless(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model_id": pair["model_id"],
        "code": "constant_edges",
        "detail": "its features are the same for all probes; only edge_weight=0 ranks it",
    }
