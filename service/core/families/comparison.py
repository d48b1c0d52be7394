"""Two sketches side by side, tensor by tensor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import mul
from statistics import median

from service.core.families.sketch import Sketch, WeightTensor, sample_grid


@dataclass(frozen=True)
class LayerPair:
    """Two tensors of one shape at the same position.

    Attributes:
        equal: Whether their contents are the same.
        cosine: Cosine of their samples.
        scaled_cosine: Mean cosine of their rows, which ignores the scale and sign of each row.
        remaining_cosine: Cosine over the entries that are zero in neither.
        distance: Length of their difference, relative to the longer of both.
        growth: Difference of the squared norms, second minus first, in squared lengths of their
            difference: 1 for steps from the first that are orthogonal to it, −1 for the reverse.
        zeros: Shares of zeros of both.
        excess: Difference of the excess kurtosis, second minus first.
    """

    equal: bool
    cosine: float
    scaled_cosine: float
    remaining_cosine: float
    distance: float
    growth: float
    zeros: tuple[float, float]
    excess: float


@dataclass(frozen=True)
class SketchComparison:
    """All matched tensors of two networks, from the image on.

    Attributes:
        first: Sketch of the first network; ``second`` is that of the other.
        pairs: Tensors matched by shape and order, as far as the shapes agree.
        trunk: All of them but the last tensor of either network, which is its head.
    """

    first: Sketch
    second: Sketch
    pairs: tuple[LayerPair, ...]
    trunk: tuple[LayerPair, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every tensor of both networks has a match."""
        return len(self.pairs) == len(self.first.weights) == len(self.second.weights)

    @property
    def growth(self) -> float:
        """Median of the growth of the trunk's tensors that differ; 0 if none does."""
        grown = [pair.growth for pair in self.trunk if not pair.equal]
        return median(grown) if grown else 0.0

    def mean(self, measure: str) -> float:
        """Mean of a measure over the trunk."""
        return math.fsum(getattr(pair, measure) for pair in self.trunk) / len(self.trunk)


def compared(first: Sketch, second: Sketch) -> SketchComparison | None:
    """Both networks side by side; None if not even their first tensors have the same shape."""
    both = list(zip(first.weights, second.weights, strict=False))
    matched = list(takewhile(lambda pair: pair[0].shape == pair[1].shape, both))
    if not matched:
        return None
    pairs = tuple(_layer_pair(*pair) for pair in matched)
    body = min(len(first.weights), len(second.weights)) - 1
    return SketchComparison(first, second, pairs, pairs[: max(1, body)])


def _layer_pair(first: WeightTensor, second: WeightTensor) -> LayerPair:
    a, b = first.sample, second.sample
    size, entries = math.prod(first.shape), max(1, len(a))
    squared = math.fsum((y - x) ** 2 for x, y in zip(a, b, strict=True)) * size / entries
    longer = max(first.norm, second.norm)
    grown = second.norm**2 - first.norm**2
    remaining = [(x, y) for x, y in zip(a, b, strict=True) if x and y]
    return LayerPair(
        equal=first.digest == second.digest,
        cosine=cosine(a, b),
        scaled_cosine=_scaled_cosine(a, b, rows=sample_grid(first.shape)[0]),
        remaining_cosine=cosine([x for x, _ in remaining], [y for _, y in remaining]),
        distance=math.sqrt(squared) / longer if longer else 0.0,
        growth=grown / squared if squared else 0.0,
        zeros=(first.zeros, second.zeros),
        excess=second.excess - first.excess,
    )


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """Cosine of two vectors: 1 if both are zero, 0 if only one is."""
    lengths = math.fsum(map(mul, a, a)), math.fsum(map(mul, b, b))
    if not all(lengths):
        return 1.0 if not any(lengths) else 0.0
    return math.fsum(map(mul, a, b)) / math.sqrt(lengths[0]) / math.sqrt(lengths[1])


def _scaled_cosine(a: Sequence[float], b: Sequence[float], *, rows: int) -> float:
    """Mean over rows of the absolute cosine of each."""
    width = len(a) // rows
    if not width:
        return 0.0
    spans = [slice(row * width, (row + 1) * width) for row in range(rows)]
    return math.fsum(abs(cosine(a[span], b[span])) for span in spans) / rows
