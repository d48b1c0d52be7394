"""What the rules say about pairs of networks whose relation is known."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from benchmarks.families.networks import Stored, sketch_of
from service.core.families.comparison import compared
from service.core.families.relation import Ancestor, judged

SIBLINGS = ("fine-tuned, short", "fine-tuned, long")
DIRECTED = ("half_precision", "quantized", "pruned", "fine_tuned")
STRANGERS = "strangers"
Z = 1.96


@dataclass(frozen=True)
class Verdict:
    """What the rules say about a pair: its kind and true relation, the answer, and its direction.

    ``relation`` and ``answer`` are ``strangers`` without any. ``direction`` is ``right``, ``wrong`` or
    ``unknown``, and None where the truth has none.
    """

    family: str
    kind: str
    relation: str
    answer: str
    direction: str | None
    cosine: float
    growth: float
    excess: float


def verdicts(families: Mapping[str, list[Stored]]) -> Iterator[Verdict]:
    """Every base with each of its members, in both orders, siblings, and bases of other families."""
    for name, (base, *members) in families.items():
        for member in members:
            relation = member["relation"] or STRANGERS
            yield verdict(name, member["name"], relation, (base, member))
            yield verdict(name, member["name"], relation, (member, base))
        first, second = (member for member in members if member["name"] in SIBLINGS)
        yield verdict(name, "siblings", "fine_tuned", (first, second))
    for first, second in combinations(families, 2):
        if first.partition("-")[0] == second.partition("-")[0]:
            pair = families[first][0], families[second][0]
            yield verdict(first, "bases of two families", STRANGERS, pair)


def verdict(family: str, kind: str, relation: str, pair: tuple[Stored, Stored]) -> Verdict:
    """What the rules say about a pair; the one called ``base`` is the true ancestor, if it is there."""
    comparison = compared(sketch_of(pair[0]), sketch_of(pair[1]))
    judgment = None if comparison is None else judged(comparison)
    direction = None
    if judgment is not None and relation in DIRECTED:
        truth = [side for side, row in _sides(pair) if row["name"] == "base"]
        direction = "right" if judgment.ancestor in truth else "wrong"
        if judgment.ancestor is Ancestor.UNKNOWN:
            direction = "unknown"
    sign = 1 if pair[0]["name"] == "base" else -1
    return Verdict(
        family,
        kind,
        relation,
        STRANGERS if judgment is None else judgment.relation.value,
        direction,
        0.0 if comparison is None else comparison.mean("cosine"),
        0.0 if comparison is None else sign * comparison.growth,
        0.0 if comparison is None else sign * comparison.mean("excess"),
    )


def _sides(pair: tuple[Stored, Stored]) -> Iterator[tuple[Ancestor, Stored]]:
    yield from zip((Ancestor.FIRST, Ancestor.SECOND), pair, strict=True)


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval by Wilson."""

    hits: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        if not self.of:
            return 0.0, 1.0
        share, square = self.hits / self.of, Z * Z
        middle = (share + square / (2 * self.of)) / (1 + square / self.of)
        reach = Z * math.sqrt(share * (1 - share) / self.of + square / (4 * self.of**2))
        reach /= 1 + square / self.of
        return max(0.0, middle - reach), min(1.0, middle + reach)


def confusion(rows: Iterable[Verdict]) -> dict[str, Counter[str]]:
    """How often each kind of pair got each answer."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        table[row.kind][row.answer] += 1
    return dict(table)


def recalls(rows: Iterable[Verdict]) -> dict[str, Share]:
    """By true relation: the share of pairs whose answer is that relation."""
    return _shares((row.relation, row.answer == row.relation) for row in rows)


def precisions(rows: Iterable[Verdict]) -> dict[str, Share]:
    """By answer: the share of pairs whose relation it is."""
    return _shares((row.answer, row.answer == row.relation) for row in rows)


def directions(rows: Iterable[Verdict]) -> dict[str, Counter[str]]:
    """By kind of pair: how often the direction was right, wrong and unknown; siblings have none."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.direction is not None:
            table[row.kind][row.direction] += 1
    return dict(table)


def _shares(hits: Iterable[tuple[str, bool]]) -> dict[str, Share]:
    table: dict[str, list[bool]] = defaultdict(list)
    for name, hit in hits:
        table[name].append(hit)
    return {name: Share(sum(values), len(values)) for name, values in sorted(table.items())}
