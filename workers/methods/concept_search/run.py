"""Finds the output units that recognize a concept, network by network."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from service.core.catalog.concept_search import ConceptSearchParams
from workers.methods.concept_search.maths import (
    auc_intervals,
    directions,
    effective_number,
    resemblance,
    weighted_aucs,
)
from workers.torchkit.protocols import Report

Interval = tuple[float, float]


@dataclass(frozen=True)
class NetworkResponses:
    """Responses of one network: to the probes and, if it ran on them, to the images of the concept.

    ``negatives`` is None, too, where the probes stand for what the concept is not.
    """

    model_id: str
    probes: Float32[Tensor, "probe unit"]
    positives: Float32[Tensor, "positive unit"] | None = None
    negatives: Float32[Tensor, "negative unit"] | None = None


@dataclass(frozen=True)
class ConceptSearchData:
    """The searched networks, read one by one, and the references, which ran on the concept."""

    networks: Iterable[NetworkResponses]
    count: int
    references: tuple[NetworkResponses, ...]


@dataclass(frozen=True)
class FoundUnit:
    """One output unit, with the AUC to expect of it and, if its network ran, the measured one."""

    model_id: str
    unit: int
    expected_auc: float
    expected_interval: Interval
    auc: float | None
    auc_interval: Interval | None


@dataclass(frozen=True)
class ConceptSearchResult:
    """The best units, and the networks that did not run, by their best unit.

    ``searched_units`` counts the units of all networks, ``positives`` the images of the concept.
    """

    units: tuple[FoundUnit, ...]
    unchecked: tuple[str, ...]
    searched_units: int
    positives: int
    seconds: float


def run(
    inputs: ConceptSearchData, params: ConceptSearchParams, report: Report
) -> ConceptSearchResult:
    """The units with the greatest AUC, measured or else expected."""
    began = time.perf_counter()
    concept = _Concept.of(inputs.references, params.neighbors)
    best: list[_Unit] = []
    most_expected: dict[str, float] = {}
    searched = 0
    for number, network in enumerate(inputs.networks, start=1):
        units = concept.units_of(network)
        searched += len(units)
        if network.positives is None:
            most_expected[network.model_id] = max(unit.expected_auc for unit in units)
        best = sorted([*best, *units], key=_Unit.order)[: params.limit]
        report(number, inputs.count, "networks")
    return ConceptSearchResult(
        units=concept.with_intervals(best),
        unchecked=tuple(sorted(most_expected, key=lambda name: (-most_expected[name], name))),
        searched_units=searched,
        positives=concept.images,
        seconds=time.perf_counter() - began,
    )


class _Unit(NamedTuple):
    """A unit with what is known of it; ``auc`` is None where its network did not run."""

    model_id: str
    unit: int
    expected_auc: float
    auc: float | None

    def order(self) -> tuple[float, str, int]:
        """The greatest AUC first, measured or else expected."""
        return -(self.expected_auc if self.auc is None else self.auc), self.model_id, self.unit


@dataclass(frozen=True)
class _Concept:
    """How much every probe stands for the concept, and for what it is not.

    ``images`` counts the images of the concept, ``others`` those of what it is not.
    """

    positives: Float64[Tensor, " probe"]
    negatives: Float64[Tensor, " probe"]
    images: int
    others: int

    @classmethod
    def of(cls, references: Sequence[NetworkResponses], neighbors: int) -> "_Concept":
        """The concept in the responses of the references; without negatives, all probes are."""
        probes = _directions(references, [r.probes for r in references])
        images = _directions(references, [r.positives for r in references])
        positives = resemblance(images, probes, neighbors=neighbors).mean(dim=0)
        if references[0].negatives is None:
            uniform = torch.full_like(positives, 1 / len(probes))
            return cls(positives, uniform, len(images), len(probes))
        others = _directions(references, [r.negatives for r in references])
        negatives = resemblance(others, probes, neighbors=neighbors).mean(dim=0)
        return cls(positives, negatives, len(images), len(others))

    def units_of(self, network: NetworkResponses) -> list[_Unit]:
        """Every unit of a network."""
        expected = weighted_aucs(network.probes.double(), self.positives, self.negatives).tolist()
        aucs: Sequence[float | None] = [None] * len(expected)
        if network.positives is not None:
            others = network.probes if network.negatives is None else network.negatives
            aucs = measured_aucs(network.positives.double(), others.double()).tolist()
        pairs = enumerate(zip(expected, aucs, strict=True))
        return [_Unit(network.model_id, unit, *values) for unit, values in pairs]

    def with_intervals(self, units: Sequence[_Unit]) -> tuple[FoundUnit, ...]:
        """The units with the intervals of both AUCs."""
        expected = _intervals(
            [unit.expected_auc for unit in units],
            positives=min(float(self.images), effective_number(self.positives)),
            negatives=min(float(self.others), effective_number(self.negatives)),
        )
        measured = _intervals(
            [0.0 if unit.auc is None else unit.auc for unit in units],
            positives=float(self.images),
            negatives=float(self.others),
        )
        return tuple(
            FoundUnit(
                unit.model_id,
                unit.unit,
                unit.expected_auc,
                expected_interval,
                unit.auc,
                None if unit.auc is None else interval,
            )
            for unit, expected_interval, interval in zip(units, expected, measured, strict=True)
        )


def measured_aucs(
    positives: Float64[Tensor, "positive unit"], negatives: Float64[Tensor, "negative unit"]
) -> Float64[Tensor, " unit"]:
    """The AUC of every unit on images themselves."""
    responses = torch.cat([positives, negatives])
    is_positive = torch.zeros(len(responses), dtype=torch.float64)
    is_positive[: len(positives)] = 1
    return weighted_aucs(
        responses, is_positive / len(positives), (1 - is_positive) / len(negatives)
    )


def _directions(
    references: Sequence[NetworkResponses],
    responses: Sequence[Float32[Tensor, "image unit"] | None],
) -> Float64[Tensor, "image direction"]:
    """Responses of all references to the same images, beside each other."""
    parts = [
        directions(shown.double(), reference.probes.double())
        for reference, shown in zip(references, responses, strict=True)
        if shown is not None
    ]
    return torch.cat(parts, dim=1)


def _intervals(aucs: Sequence[float], *, positives: float, negatives: float) -> list[Interval]:
    """The 80 % interval of every AUC."""
    areas = torch.tensor(aucs, dtype=torch.float64)
    low, high = auc_intervals(areas, positives=positives, negatives=negatives)
    return list(zip(low.tolist(), high.tolist(), strict=True))
