"""The relation of two networks and its direction, by rules that benchmarks.families chose."""

from dataclasses import dataclass
from enum import StrEnum

from service.core.families.comparison import LayerPair, SketchComparison
from service.core.families.sketch import Sketch

# Chosen on the development families of benchmarks.families, reported on others.
RELATED_COSINE = 0.86
UNCLEAR_COSINE = 0.15
FOLDED_COSINE = 0.9999
FOLDED_DISTANCE = 0.01
HALF_DISTANCE = 0.005
GRID_COSINE = 0.9
PRUNED_ZEROS = 0.05
PRUNED_COSINE = 0.9
NEAR_DISTANCE = 0.05
MOST = 0.9
GROWN = 0.35


class Relation(StrEnum):
    """What one network is of another.

    ``copy``: the same program. ``re_exported``: the same weights in another program, or with
    normalizations folded into them. ``half_precision`` and ``quantized``: rounded weights.
    ``pruned``: entries set to zero. ``shares_backbone``: equal weights but for the head.
    ``fine_tuned``: trained further, one from the other or both from a third. ``unknown``: more alike
    than strangers are, for no known reason.
    """

    COPY = "copy"
    RE_EXPORTED = "re_exported"
    HALF_PRECISION = "half_precision"
    QUANTIZED = "quantized"
    PRUNED = "pruned"
    SHARES_BACKBONE = "shares_backbone"
    FINE_TUNED = "fine_tuned"
    UNKNOWN = "unknown"


class Ancestor(StrEnum):
    """Which of two networks the other was made from."""

    FIRST = "first"
    SECOND = "second"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judgment:
    """A relation with its direction and the reason of the direction; ``near``: the same function."""

    relation: Relation
    ancestor: Ancestor
    reason: str
    near: bool


_SAME = frozenset({Relation.COPY, Relation.RE_EXPORTED, Relation.HALF_PRECISION, Relation.QUANTIZED})  # fmt: skip
_GROWN = "the weights of the descendant are longer by about what both differ in"
_NO_DIRECTION = {
    Relation.COPY: "both are the same program",
    Relation.RE_EXPORTED: "the weights are the same",
    Relation.SHARES_BACKBONE: "equal weights do not say which head came first",
    Relation.UNKNOWN: "the likeness has no known reason",
}


def judged(comparison: SketchComparison) -> Judgment | None:
    """The relation of the second network to the first; None for strangers."""
    relation = _relation(comparison)
    if relation is None:
        return None
    ancestor, reason = _direction(relation, comparison)
    near = relation in _SAME and _near(relation, comparison)
    return Judgment(relation, ancestor, reason, near)


def _near(relation: Relation, comparison: SketchComparison) -> bool:
    """Whether both compute the same, up to rounding."""
    exact = relation in (Relation.COPY, Relation.RE_EXPORTED)
    return exact or (comparison.is_complete and comparison.mean("distance") <= NEAR_DISTANCE)


def _relation(comparison: SketchComparison) -> Relation | None:
    """The first relation whose rule holds."""
    equal = _of_equal_weights(comparison)
    if equal is not None:
        return equal
    for relation, holds in (
        (Relation.HALF_PRECISION, _is_half),
        (Relation.QUANTIZED, _is_quantized),
        (Relation.PRUNED, _is_pruned),
        (Relation.RE_EXPORTED, _is_folded),
    ):
        if holds(comparison):
            return relation
    alike = comparison.mean("cosine")
    if alike < UNCLEAR_COSINE:
        return None
    trained_on = alike >= RELATED_COSINE or abs(comparison.growth) >= GROWN
    return Relation.FINE_TUNED if trained_on else Relation.UNKNOWN


def _of_equal_weights(comparison: SketchComparison) -> Relation | None:
    """The relation of networks that have the same weights, with or without the head."""
    first, second = comparison.first, comparison.second
    if first.contents is not None and first.contents == second.contents:
        return Relation.COPY if first.program == second.program else Relation.RE_EXPORTED
    if not all(pair.equal for pair in comparison.trunk):
        return None
    if not (comparison.is_complete and all(pair.equal for pair in comparison.pairs)):
        return Relation.SHARES_BACKBONE
    return Relation.FINE_TUNED if first.others == second.others else Relation.RE_EXPORTED


def _is_half(comparison: SketchComparison) -> bool:
    """Exactly one has weights of half precision, and they are those of the other, rounded."""
    halves = _halves(comparison.first), _halves(comparison.second)
    return halves[0] != halves[1] and _share(comparison, _is_rounded) == 1


def _is_rounded(pair: LayerPair) -> bool:
    return pair.distance <= HALF_DISTANCE


def _halves(sketch: Sketch) -> bool:
    return all(weight.half for weight in sketch.weights)


def _is_quantized(comparison: SketchComparison) -> bool:
    """Exactly one has its weights on grids, and they point where those of the other do."""
    grids = _on_grids(comparison.first), _on_grids(comparison.second)
    return grids[0] != grids[1] and comparison.mean("cosine") >= GRID_COSINE


def _on_grids(sketch: Sketch) -> bool:
    on_grid = sum(weight.levels is not None for weight in sketch.weights)
    return on_grid >= MOST * len(sketch.weights)


def _is_pruned(comparison: SketchComparison) -> bool:
    """One has many more zeros, and what remains points where the other's entries do."""
    first, second = _zeros(comparison)
    alike = comparison.mean("remaining_cosine") >= PRUNED_COSINE
    return abs(second - first) >= PRUNED_ZEROS and alike


def _zeros(comparison: SketchComparison) -> tuple[float, float]:
    """Mean share of zeros of either trunk."""
    count = len(comparison.trunk)
    first = sum(pair.zeros[0] for pair in comparison.trunk) / count
    return first, sum(pair.zeros[1] for pair in comparison.trunk) / count


def _is_folded(comparison: SketchComparison) -> bool:
    """Rows differ in nothing but their scale, and the numbers of other tensors differ."""
    if comparison.first.others == comparison.second.others:
        return False
    return comparison.mean("scaled_cosine") >= FOLDED_COSINE


def _share(comparison: SketchComparison, holds: object) -> float:
    assert callable(holds)
    return sum(bool(holds(pair)) for pair in comparison.trunk) / len(comparison.trunk)


def _direction(relation: Relation, comparison: SketchComparison) -> tuple[Ancestor, str]:
    """The network that the other was made from, and why."""
    match relation:
        case Relation.HALF_PRECISION:
            return _unless(_halves(comparison.first)), "rounding cannot be undone"
        case Relation.QUANTIZED:
            return _unless(_on_grids(comparison.first)), "rounding to a grid cannot be undone"
        case Relation.PRUNED:
            first, second = _zeros(comparison)
            return _unless(first > second), "removed entries do not come back by themselves"
        case Relation.FINE_TUNED:
            return _by_growth(comparison)
        case _:
            return Ancestor.UNKNOWN, _NO_DIRECTION[relation]


def _unless(first_was_made: bool) -> Ancestor:  # noqa: FBT001
    return Ancestor.SECOND if first_was_made else Ancestor.FIRST


def _by_growth(comparison: SketchComparison) -> tuple[Ancestor, str]:
    """Training moves weights at right angles to themselves, so that they grow by what they move."""
    if comparison.growth >= GROWN:
        return Ancestor.FIRST, _GROWN
    if comparison.growth <= -GROWN:
        return Ancestor.SECOND, _GROWN
    return Ancestor.UNKNOWN, "neither grew by what both differ in"
