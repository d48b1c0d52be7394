"""Order by the score = node similarity + λ · edge similarity, with its interval."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# A normal variable stays within this many standard deviations nine times out of ten.
NINETY_PERCENT = 1.6448536269514722


def ordered(
    pairs: Sequence[Mapping[str, Any]], *, edge_weight: float
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
    return [_item(rank, -s[0], s[3], edge_weight) for rank, s in enumerate(scored, 1)], without


def score_of(pair: Mapping[str, Any], *, edge_weight: float) -> float | None:
    """s_V + λ s_E; None when a part that counts is missing."""
    node: float | None = pair["node_similarity"]
    edge: float | None = pair["edge_similarity"]
    if edge_weight == 0 or node is None:
        return node
    return None if edge is None else node + edge_weight * edge


def interval_of(pair: Mapping[str, Any], score: float, *, edge_weight: float) -> list[float]:
    """The 90 % interval of a score over redrawn probes, from the stored variances."""
    variance = pair["node_variance"] or 0.0
    if edge_weight:
        edge, covariance = pair["edge_variance"] or 0.0, pair["covariance"] or 0.0
        variance += edge_weight * (edge_weight * edge + 2 * covariance)
    reach = NINETY_PERCENT * math.sqrt(max(0.0, variance))
    return [score - reach, score + reach]


def _item(rank: int, score: float, pair: Mapping[str, Any], edge_weight: float) -> dict[str, Any]:
    return {
        "rank": rank,
        "model_id": pair["model_id"],
        "name": pair["name"],
        "score": score,
        "node_similarity": pair["node_similarity"],
        "edge_similarity": pair["edge_similarity"],
        "interval": interval_of(pair, score, edge_weight=edge_weight),
        "valid_probes": pair["valid_probes"],
    }


def _edgeless(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model_id": pair["model_id"],
        "code": "constant_edges",
        "detail": "its features are the same for all probes; only edge_weight=0 ranks it",
    }
