"""Searches with few images, and what running every network would have found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from benchmarks.concept_search.images import SEED, ImageGroup
from service.core.catalog.concept_search import ConceptSearchParams
from workers.methods.concept_search import (
    ConceptSearchData,
    ConceptSearchResult,
    FoundUnit,
    NetworkResponses,
    run,
)
from workers.methods.concept_search.run import measured_aucs
from workers.torchkit.protocols import silent

COUNTS = (5, 10, 20)
HELD_OUT = 40
NEGATIVES_PER_POSITIVE = 2
SHOWN = 5
LEVEL_WITH_BEST = 0.01
_PROBES = "probes"

Responses = Mapping[str, Mapping[str, Float32[Tensor, "image unit"]]]
Images = Sequence[tuple[str, int]]


@dataclass(frozen=True)
class MeasuredZoo:
    """Responses of every network to every group, and what choosing networks needs.

    ``breadths`` and ``costs`` (seconds for an image) are by network.
    """

    responses: Responses
    breadths: Mapping[str, float]
    costs: Mapping[str, float]

    def of(self, network: str, images: Images) -> Float32[Tensor, "image unit"]:
        """The responses of a network to images, each named by its group and position."""
        return torch.stack([self.responses[network][group][index] for group, index in images])

    def references(self, count: int) -> list[str]:
        """The networks that the service would take: the broadest, the cheaper of equals."""
        order = sorted(self.breadths, key=lambda name: (-self.breadths[name], self.costs[name]))
        return order[:count]


@dataclass(frozen=True)
class ConceptTask:
    """One search: images of the concept and of what it is not, and others that evaluate it."""

    concept: tuple[str, str]
    positives: Images
    negatives: Images | None
    held_out: Images
    held_out_others: Images


def tasks(groups: Sequence[ImageGroup], *, count: int, seed: int) -> Iterator[ConceptTask]:
    """Every concept with ``count`` images: once with the probes as contrast, once with other classes."""
    rng = np.random.default_rng([SEED, count, seed])
    members: dict[tuple[str, str], list[int]] = {}
    for group in groups:
        for index, name in enumerate(group.classes):
            members.setdefault((group.name, name), []).append(index)
    for concept, indices in members.items():
        own = [(concept[0], int(index)) for index in rng.permutation(indices)]
        strange = [
            (other[0], int(index))
            for other, there in members.items()
            if other != concept
            for index in rng.permutation(there)[:6]
        ]
        rng.shuffle(strange)
        strange = [(str(group), int(index)) for group, index in strange]
        few = strange[: NEGATIVES_PER_POSITIVE * count]
        rest = strange[NEGATIVES_PER_POSITIVE * max(COUNTS) :]
        for negatives in (None, few):
            yield ConceptTask(concept, own[:count], negatives, own[count:][:HELD_OUT], rest)


def outcome(
    zoo: MeasuredZoo, task: ConceptTask, *, references: int, check: int, neighbors: int
) -> dict[str, Any]:
    """How good the answers of the search and of running every network are on held-out images."""
    truth = {
        name: measured_aucs(
            zoo.of(name, task.held_out).double(), zoo.of(name, task.held_out_others).double()
        )
        for name in zoo.responses
    }
    related = zoo.references(references)
    params = ConceptSearchParams(limit=500, neighbors=neighbors)
    first = _search(zoo, task, references=related, ran=set(related), params=params)
    ran = {*related, *first.unchecked[:check]}
    last = _search(zoo, task, references=related, ran=ran, params=params)
    every = _search(zoo, task, references=related, ran=set(zoo.responses), params=params)
    best = max(float(aucs.max()) for aucs in truth.values())
    return {
        "concept": list(task.concept),
        "count": len(task.positives),
        "contrast": "probes" if task.negatives is None else "other classes",
        "best": best,
        "stored responses only": _quality(first.units, truth, best, expected=True),
        "search": _quality(last.units, truth, best),
        "every network": _quality(every.units, truth, best),
        "networks_run": len(ran),
        "time_share": sum(zoo.costs[name] for name in ran) / sum(zoo.costs.values()),
        "expected_held": _held(first.units, truth, measured=False),
        "measured_held": _held(last.units, truth, measured=True),
    }


def _search(
    zoo: MeasuredZoo,
    task: ConceptTask,
    *,
    references: Sequence[str],
    ran: set[str],
    params: ConceptSearchParams,
) -> ConceptSearchResult:
    """The product's own search, with the responses of the networks that ran."""

    def network(name: str) -> NetworkResponses:
        probes = zoo.responses[name][_PROBES]
        if name not in ran:
            return NetworkResponses(name, probes)
        others = None if task.negatives is None else zoo.of(name, task.negatives)
        return NetworkResponses(name, probes, zoo.of(name, task.positives), others)

    inputs = ConceptSearchData(
        networks=map(network, zoo.responses),
        count=len(zoo.responses),
        references=tuple(map(network, references)),
    )
    return run(inputs, params, silent)


def _quality(
    units: Sequence[FoundUnit], truth: Mapping[str, Tensor], best: float, *, expected: bool = False
) -> dict[str, float]:
    """Whether the first, or one of the first five, is level with the best unit; what the first loses."""
    order = sorted(units, key=lambda u: -u.expected_auc) if expected else list(units)
    held_out = [float(truth[unit.model_id][unit.unit]) for unit in order[:SHOWN]]
    return {
        "top1": float(held_out[0] >= best - LEVEL_WITH_BEST),
        "top5": float(max(held_out) >= best - LEVEL_WITH_BEST),
        "loss": best - held_out[0],
        "loss5": best - max(held_out),
    }


def _held(
    units: Sequence[FoundUnit], truth: Mapping[str, Tensor], *, measured: bool
) -> float | None:
    """Share of the best twenty intervals of one kind that contain the held-out AUC."""
    chosen = [unit for unit in units if (unit.auc is not None) is measured][:20]
    inside = [
        low <= float(truth[unit.model_id][unit.unit]) <= high
        for unit in chosen
        for low, high in [(unit.auc_interval if measured else None) or unit.expected_interval]
    ]
    return sum(inside) / len(inside) if inside else None
