"""All rows on the same episodes of novel classes: accuracies, paired differences, meta shift."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from workers.methods.class_regularization.episodes import Episodes, EpisodeSize, draw_episodes
from workers.methods.class_regularization.heads import EpisodeHead
from workers.methods.class_regularization.maths import (
    EpisodeEstimate,
    estimate,
    meta_shift,
    paired_difference,
)

EPISODES = 600
REFERENCE = "none"
SHIFT_SHOTS = (1, 5)
_SUPPORT_SETS = 20
_SHAPES = ((5, 1), (5, 5), (20, 1), (20, 5))
_QUERIES, _FEW_QUERIES, _MANY_IMAGES = 15, 5, 20
_NUMBERS_AT_ONCE = 8_000_000


@dataclass(frozen=True)
class ComparedRow:
    """Features of the novel images in the row's own space, and a head."""

    name: str
    features: Float[Tensor, "image unit"]
    head: EpisodeHead


@dataclass(frozen=True)
class SizeResult:
    """Accuracies of every row on the same episodes."""

    size: EpisodeSize
    episodes: Episodes
    accuracies: Mapping[str, Float[Tensor, " episode"]]

    def estimates(self) -> dict[str, EpisodeEstimate]:
        """Mean accuracy of each row."""
        return {name: estimate(values) for name, values in self.accuracies.items()}

    def differences(self) -> dict[tuple[str, str], EpisodeEstimate]:
        """Paired difference of every pair of rows: the second minus the first."""
        return {
            (first, second): paired_difference(self.accuracies[second], self.accuracies[first])
            for first, second in combinations(self.accuracies, 2)
        }


@dataclass(frozen=True)
class EpisodeComparison:
    """Everything that was measured on novel classes.

    Attributes:
        shifts: Meta shift by row and number of shots.
    """

    results: tuple[SizeResult, ...]
    shifts: Mapping[str, Mapping[int, float]]


def episode_sizes(labels: Int64[Tensor, " image"]) -> tuple[EpisodeSize, ...]:
    """The sizes that these classes allow, smaller ones first; none for a single class."""
    counts = labels.bincount()
    classes, fewest = len(counts), int(counts.min())
    most_queries = _QUERIES if fewest > _MANY_IMAGES else _FEW_QUERIES
    sizes = {
        EpisodeSize(min(ways, classes), shots, min(most_queries, fewest - shots))
        for ways, shots in _SHAPES
        if classes > 1 and fewest > shots and (ways <= classes or ways == _SHAPES[0][0])
    }
    return tuple(sorted(sizes, key=lambda size: (size.ways, size.shots)))


def compare(
    rows: Sequence[ComparedRow],
    labels: Int64[Tensor, " image"],
    *,
    generator: torch.Generator,
    count: int = EPISODES,
) -> EpisodeComparison:
    """Every row on the same ``count`` episodes of every size."""
    results = []
    for size in episode_sizes(labels):
        episodes = draw_episodes(labels, size, count=count, generator=generator)
        accuracies = {row.name: accuracies_of(row, episodes) for row in rows}
        results.append(SizeResult(size, episodes, accuracies))
    shifts: dict[str, dict[int, float]] = {row.name: {} for row in rows}
    for shots in shift_shots(labels):
        sets = support_sets(labels, shots, generator)
        for row in rows:
            shifts[row.name][shots] = meta_shift(descriptors_of(row, sets))
    return EpisodeComparison(tuple(results), shifts)


def accuracies_of(row: ComparedRow, episodes: Episodes) -> Float[Tensor, " episode"]:
    """Share of right answers in each episode."""
    truth = episodes.truth
    parts = []
    with torch.no_grad():
        for part in episodes.parts(_at_once(episodes, row.features.shape[1])):
            queries = row.features[part.queries].flatten(1, 2)
            answers = row.head.logits(row.features[part.support], queries).argmax(-1).cpu()
            parts.append((answers == truth).float().mean(dim=1))
    return torch.cat(parts)


def _at_once(episodes: Episodes, units: int) -> int:
    """Episodes whose differences between queries and descriptors fit the memory together."""
    ways, each = episodes.queries.shape[1:]
    return max(1, _NUMBERS_AT_ONCE // (ways * each * ways * units))


def shift_shots(labels: Int64[Tensor, " image"]) -> tuple[int, ...]:
    """The numbers of shots that every class allows; none for a single class."""
    counts = labels.bincount()
    return tuple(shots for shots in SHIFT_SHOTS if len(counts) > 1 and shots <= int(counts.min()))


def support_sets(
    labels: Int64[Tensor, " image"], shots: int, generator: torch.Generator
) -> Int64[Tensor, "draw way shot"]:
    """Twenty support sets of every class, classes in the order of their labels."""
    classes = len(labels.bincount())
    size = EpisodeSize(classes, shots, 0)
    drawn = draw_episodes(labels, size, count=_SUPPORT_SETS, generator=generator)
    order = drawn.classes.argsort(dim=1)
    return drawn.support.gather(1, order.unsqueeze(-1).expand_as(drawn.support))


def descriptors_of(
    row: ComparedRow, sets: Int64[Tensor, "draw way shot"]
) -> Float[Tensor, "way draw unit"]:
    """The row's descriptors of every class from every support set."""
    with torch.no_grad():
        return row.head.descriptors(row.features[sets]).transpose(0, 1).cpu()


def as_values(comparison: EpisodeComparison) -> dict[str, Any]:
    """The comparison as JSON values: means and intervals of rows and of all pairs."""
    sizes = {
        result.size.name: {
            "episodes": len(result.episodes.classes),
            "queries_per_class": result.size.queries,
            "rows": {name: _values(value) for name, value in result.estimates().items()},
            "differences": [
                {"row": second, "minus": first, **_values(value)}
                for (first, second), value in result.differences().items()
            ],
        }
        for result in comparison.results
    }
    shifts = {
        name: {str(shots): value for shots, value in by_shots.items()}
        for name, by_shots in comparison.shifts.items()
    }
    return {"sizes": sizes, "meta_shift": shifts}


def _values(value: EpisodeEstimate) -> dict[str, float]:
    return {"mean": value.mean, "half_width": value.half_width}


def as_table(comparison: EpisodeComparison) -> str:
    """Markdown: accuracy in percent with the paired difference to ``none``, and meta shift."""
    return "\n".join(_lines(comparison))


def _lines(comparison: EpisodeComparison) -> Iterator[str]:
    shots = sorted({shots for row in comparison.shifts.values() for shots in row})
    titles = ["row", *(result.size.name for result in comparison.results)]
    titles += [f"shift, {number} shot{'s' if number > 1 else ''}" for number in shots]
    yield "| " + " | ".join(titles) + " |"
    yield "| " + " | ".join(["---"] * len(titles)) + " |"
    for name, shift in comparison.shifts.items():
        cells = [_cell(result, name) for result in comparison.results]
        cells += [f"{shift[number]:.3f}" for number in shots]
        yield "| " + " | ".join([f"`{name}`", *cells]) + " |"


def _cell(result: SizeResult, name: str) -> str:
    """Such as ``87.47, +0.46 [+0.24, +0.68]``."""
    value = estimate(result.accuracies[name])
    if name == REFERENCE:
        return f"{100 * value.mean:.2f} ± {100 * value.half_width:.2f}"
    gain = paired_difference(result.accuracies[name], result.accuracies[REFERENCE])
    low, high = gain.mean - gain.half_width, gain.mean + gain.half_width
    return f"{100 * value.mean:.2f}, {100 * gain.mean:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]"
