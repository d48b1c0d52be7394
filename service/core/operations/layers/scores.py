"""Choice of a layer by the score = node similarity + λ · edge similarity, for any λ."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from service.core.operations.rankings.groups import with_groups
from service.core.operations.rankings.scores import interval_of, score_of


class TargetData(StrEnum):
    """The share of labeled target data: a tenth or more, or about a hundredth."""

    AMPLE = "ample"
    SCARCE = "scarce"


EDGE_WEIGHTS: Mapping[TargetData, float] = {TargetData.AMPLE: 1.0, TargetData.SCARCE: 10.0}
"""λ of DEPARA's section 4.3: with scarcer data the edge similarity matters more."""


def weight_of(data: TargetData | None, edge_weight: float | None) -> float:
    """The explicit λ, or that of the amount of data; by default that of ample data."""
    if edge_weight is not None:
        return edge_weight
    return EDGE_WEIGHTS[data or TargetData.AMPLE]


def curve(
    parts: Sequence[Mapping[str, Any]],
    *,
    edge_weight: float,
    effective_probes: float | None = None,
) -> list[dict[str, Any]]:
    """Every layer with its score, its 90 % interval and its group; all None if there is no score.

    Layers of one group, counted from the best, cannot be told apart.
    """
    layers = [_scored(part, edge_weight, effective_probes) for part in parts]
    best_first = sorted(
        (layer for layer in layers if layer["score"] is not None), key=_score, reverse=True
    )
    groups = {layer["layer"]: layer["group"] for layer in with_groups(best_first)}
    return [{**layer, "group": groups.get(layer["layer"])} for layer in layers]


def _scored(
    part: Mapping[str, Any], edge_weight: float, effective_probes: float | None
) -> dict[str, Any]:
    score = score_of(part, edge_weight=edge_weight)
    interval = None if score is None else interval_of(part, score, edge_weight, effective_probes)
    return {**part, "score": score, "interval": interval}


def choice(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The layer with the highest score, the deepest of equals; None if none has a score.

    Args:
        layers: The result of ``curve``, from input to output.

    Returns:
        ``layer``, its ``score`` and ``interval``, the ``runner_up`` and the ``margin`` to it, both
        None if no other output has a score; and ``tied``, the other layers from which it cannot be
        told apart.
    """
    scored = [layer for layer in layers if layer["score"] is not None]
    if not scored:
        return None
    chosen = max(reversed(scored), key=_score)
    others = [layer for layer in scored if _parts(layer) != _parts(chosen)]
    runner_up = max(reversed(others), key=_score) if others else None
    return {
        **{name: chosen[name] for name in ("layer", "score", "interval")},
        "runner_up": runner_up["layer"] if runner_up else None,
        "margin": chosen["score"] - runner_up["score"] if runner_up else None,
        "tied": [
            layer["layer"]
            for layer in scored
            if layer["group"] == chosen["group"] and layer is not chosen
        ],
    }


def baselines(layers: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Choices without a comparison; None if nothing has a score.

    ``middle`` is the middle candidate, the deeper of two; ``deepest`` is the last. In measured
    transfer the middle is hard to beat: docs/methods/layer_selection.md.
    """
    names = [layer["layer"] for layer in layers if layer["score"] is not None]
    return {"middle": names[len(names) // 2], "deepest": names[-1]} if names else None


def _score(layer: Mapping[str, Any]) -> float:
    score: float = layer["score"]
    return score


def _parts(layer: Mapping[str, Any]) -> tuple[float, float]:
    """Both similarities; layers with equal ones are one output under two names."""
    return layer["node_similarity"], layer["edge_similarity"]
