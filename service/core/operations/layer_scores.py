"""From parts to a choice of layer: score = node similarity + λ · edge similarity, for any λ."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from service.core.operations.scores import interval_of, score_of


class TargetData(StrEnum):
    """How much of the target is labelled: a tenth or more, or about a hundredth."""

    AMPLE = "ample"
    SCARCE = "scarce"


EDGE_WEIGHTS: Mapping[TargetData, float] = {TargetData.AMPLE: 1.0, TargetData.SCARCE: 10.0}
"""λ of DEPARA's section 4.3: scarcer data need knowledge that is easier to reach."""


def weight_of(data: TargetData | None, edge_weight: float | None) -> float:
    """λ as given, or that of the amount of data; ample where neither is given."""
    if edge_weight is not None:
        return edge_weight
    return EDGE_WEIGHTS[data or TargetData.AMPLE]


def curve(parts: Sequence[Mapping[str, Any]], *, edge_weight: float) -> list[dict[str, Any]]:
    """Every layer with its score and the 90 % interval of it; both None where there is none."""
    return [_scored(part, edge_weight) for part in parts]


def _scored(part: Mapping[str, Any], edge_weight: float) -> dict[str, Any]:
    score = score_of(part, edge_weight=edge_weight)
    interval = None if score is None else interval_of(part, score, edge_weight=edge_weight)
    return {**part, "score": score, "interval": interval}


def choice(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The layer with the greatest score, the deepest of equals; None where none has a score.

    Args:
        layers: As ``curve`` gives them, from the input on.

    Returns:
        ``layer``, its ``score`` and ``interval``, the ``runner_up`` and the ``margin`` to it; the
        last two are None for a layer alone.
    """
    scored = [(layer["score"], place) for place, layer in enumerate(layers)
              if layer["score"] is not None]  # fmt: skip
    if not scored:
        return None
    (best, place), *others = sorted(scored, reverse=True)
    chosen = layers[place]
    return {
        "layer": chosen["layer"],
        "score": best,
        "interval": chosen["interval"],
        "runner_up": layers[others[0][1]]["layer"] if others else None,
        "margin": best - others[0][0] if others else None,
    }
