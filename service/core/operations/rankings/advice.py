"""The sentence to act on: where to start, what cannot be told apart from it, what is cheaper."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.core.catalog.measurement import FUSED, LABELS, LABELS_AND_HISTORY, Metric
from service.core.operations.rankings.consensus import likely_best
from service.core.operations.rankings.costs import measure_of
from service.core.operations.rankings.fit import NOTHING_FITS

NAMED = 3
WORTH_SAYING = 1.5
COST_NAMES = {"flops": "operations", "parameters": "parameters", "size_bytes": "bytes"}
Item = Mapping[str, Any]


def sentence(metric: str, items: Sequence[Item], *, findings: Mapping[str, Any]) -> str | None:
    """What to do, in one sentence; None without a ranked network.

    Args:
        items: Best first, with their costs.
        findings: The ranking's findings; ``fused`` reads its set of likely best.
    """
    if not items:
        return None
    if any(warning["code"] == NOTHING_FITS for warning in findings.get("warnings", ())):
        return "None of these networks is clearly better than chance for this target."
    equals = indistinct(metric, items, findings=findings)
    return f"{_start(equals)}{_cheaper(items[0], equals)}."


def indistinct(metric: str, items: Sequence[Item], *, findings: Mapping[str, Any]) -> list[Item]:
    """The first item and all that the evidence cannot tell from it, best first.

    Similarities: overlapping intervals. ``fused``: the set that contains the best. ``labels``: the
    set that held the best on measured targets. A single estimator has no such measure.
    """
    first = items[0]
    if metric == FUSED:
        likely = set((findings.get("best_set") or {}).get("model_ids", ()))
        return [first, *(item for item in items[1:] if item["model_id"] in likely)]
    if metric in (LABELS, LABELS_AND_HISTORY):
        return list(items[: likely_best([item["score"] for item in items])])
    if metric in frozenset(Metric):
        return [item for item in items if _overlap(item, first)]
    return [first]


def _overlap(item: Item, first: Item) -> bool:
    """Whether the intervals of two scores overlap; an item without one equals only itself."""
    if item["interval"] is None or first["interval"] is None:
        return item is first
    return bool(item["interval"][1] >= first["interval"][0])


def _start(equals: Sequence[Item]) -> str:
    names = [item["name"] for item in equals]
    if len(names) == 1:
        return f"Start from {names[0]}"
    if len(names) <= NAMED:
        return f"Start from {', '.join(names[:-1])} or {names[-1]}; they cannot be told apart"
    others = len(names) - 1
    return f"Start from {names[0]}; {others} others cannot be told apart from it"


def _cheaper(first: Item, equals: Sequence[Item]) -> str:
    """The cheapest of the equals, if it costs much less than the first."""
    measure = measure_of(equals)
    if measure is None:
        return ""
    cheapest = min(equals, key=lambda item: item[measure])
    ratio = first[measure] / cheapest[measure]
    if ratio < WORTH_SAYING:
        return ""
    times = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"  # noqa: PLR2004 - two digits
    return f"; {cheapest['name']} is {times} times cheaper in {COST_NAMES[measure]}"
