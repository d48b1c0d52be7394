"""Scores of every network on one target, by every metric, from few labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.real_transfer.passes import PER_CLASS, NetworkOutputs, first_of_class
from benchmarks.real_transfer.targets import LabeledTarget, split_of
from service.core.catalog.measurement import Spectrum
from workers.methods.transferability_estimators import EstimateSettings, estimates
from workers.torchkit.similarity.edges import (
    Edges,
    edges_of_products,
    present_edges,
    rank_edges,
    standardized_ranks,
    upper_triangle,
)

Scores = dict[str, float | None]
FLAT = "flat "


@dataclass(frozen=True)
class Case:
    """One target, split and number of labels per class."""

    target: str
    seed: int
    per_class: int


def estimator_scores(outcome: NetworkOutputs, target: LabeledTarget, case: Case) -> Scores:
    """All estimators on pooled features."""
    chosen = split_of(target.labels, case.seed).ranking(target.labels, case.per_class)
    logits = None if outcome.logits is None else outcome.logits[chosen]
    result = estimates(
        outcome.pooled[chosen], target.labels[chosen], logits, settings=EstimateSettings()
    )
    return {name.value: score for name, score in result.scores.items()}


def graph_scores(
    graph: Mapping[str, Any], reference: Mapping[str, Any] | None, labels: Tensor, per_class: int
) -> Scores:
    """Likeness to the labels as an ideal graph, and to a reference network if there is one.

    Args:
        labels: Labels of the graph's probes.
    """
    if "error" in graph:
        return {}
    rows = first_of_class(labels, per_class)
    scores: Scores = {
        f"{FLAT}{name}": score for name, score in graph["flat"][str(per_class)].items()
    }
    for name, spectrum in (("depara", Spectrum.NATURAL), ("depara_plus", Spectrum.FLATTENED)):
        edges = _edges(graph, rows, spectrum)
        scores[f"{name}, labels"] = label_agreement(edges, labels[rows])
        if reference is not None:
            scores[f"{name}, reference"] = _likeness(
                graph, reference, rows, edges=edges, spectrum=spectrum
            )
    if reference is not None:
        scores["attribution, reference"] = _nodes(graph, reference, rows)
    return scores


def _edges(graph: Mapping[str, Any], rows: Tensor, spectrum: Spectrum) -> Edges:
    """Edges among some probes, from stored inner products."""
    mask, gram = graph["mask"][rows], graph["gram"][rows][:, rows]
    weights = mask.double() / mask.sum().clamp_min(1)
    mean = gram @ weights
    centered = gram - mean[:, None] - mean[None, :] + weights @ mean
    centered = centered * mask[:, None] * mask[None, :]
    return edges_of_products(centered, graph["sizes"][rows], mask, spectrum=spectrum)


def label_agreement(edges: Edges, labels: Tensor) -> float | None:
    """Spearman of edges and of "same class"; None without variation."""
    same = upper_triangle((labels[:, None] == labels[None, :]).double())
    ideal = rank_edges(same, present_edges(edges.mask))
    return _correlation(edges.ranks, ideal)


def _correlation(left: Tensor, right: Tensor) -> float | None:
    value = float(standardized_ranks(left).double() @ standardized_ranks(right).double())
    return value if np.isfinite(value) else None


def _likeness(
    graph: Mapping[str, Any],
    reference: Mapping[str, Any],
    rows: Tensor,
    *,
    edges: Edges,
    spectrum: Spectrum,
) -> float | None:
    """s_V + λ s_E with the default λ of the metric."""
    weight = 0.25 if spectrum is Spectrum.NATURAL else 4.0
    other = _edges(reference, rows, spectrum)
    if not torch.equal(other.mask, edges.mask):
        return None
    node, edge = _nodes(graph, reference, rows), _correlation(edges.ranks, other.ranks)
    return None if node is None or edge is None else node + weight * edge


def _nodes(graph: Mapping[str, Any], reference: Mapping[str, Any], rows: Tensor) -> float | None:
    common = graph["mask"][rows] & reference["mask"][rows]
    cosines = (graph["maps"][rows].float() * reference["maps"][rows].float()).sum(dim=1)
    return float(cosines[common].mean()) if common.any() else None


def column(scores: Sequence[Scores], name: str) -> np.ndarray:
    """One metric over the networks; NaN where it has no score."""
    values = [score.get(name) for score in scores]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def cases(target: LabeledTarget, seeds: int) -> list[Case]:
    """Every split and number of labels."""
    return [Case(target.name, seed, count) for seed in range(seeds) for count in PER_CLASS]
