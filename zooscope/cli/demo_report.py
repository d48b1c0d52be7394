"""The demo's report: the ranking by both metrics next to the truth, and how well they agree."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import correlation
from typing import Any

from zooscope.client.results import Model, Ranking


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlation of a metric's scores with the true transfer accuracies."""

    metric: str
    spearman: float
    models: int


def rows(
    by_depara: Ranking, by_attribution: Ranking, truth: Mapping[str, float]
) -> list[dict[str, Any]]:
    """One row for each network in the order of DEPARA, with the other metric and the truth."""
    others = {item["model_id"]: item for item in by_attribution["items"]}
    return [
        {
            **item,
            "attribution_rank": others[item["model_id"]]["rank"]
            if item["model_id"] in others
            else None,
            "transfer_accuracy": truth[item["name"]],
        }
        for item in by_depara["items"]
    ]


def table(rows_: Sequence[Mapping[str, Any]]) -> str:
    """The rows as text that fits 80 columns, on a terminal or not."""
    head = f"{'rank':>4} {'model':<19} {'score':>6} {'90 % interval':>15} {'s_V':>6} {'s_E':>6} {'maps':>4} {'truth':>7}"
    return "\n".join([head, *map(_line, rows_)])


def _line(row: Mapping[str, Any]) -> str:
    """One row of the table; ``maps`` is the rank by attribution maps alone."""
    parts = (f"{number:6.3f}" for number in (row["node_similarity"], row["edge_similarity"]))
    return (
        f"{row['rank']:>4} {row['name']:<19} {row['score']:6.3f} {_interval(row):>15}"
        f" {' '.join(parts)} {row['attribution_rank'] or '–':>4}"
        f" {100 * row['transfer_accuracy']:5.1f} %"
    )


def answer(ranking: Ranking) -> list[str]:
    """The advice of a ranking by ``auto``, and why its metric was taken."""
    advice, choice = ranking.get("advice"), ranking.get("choice")
    assert advice is not None, "a ready ranking with candidates gives advice"
    assert choice is not None, "a ranking by auto says what it took"
    return [
        advice,
        f"(auto took {choice['metric']}: {choice['reason']})",
    ]


def agreement(ranking: Ranking, truth: Mapping[str, float]) -> Agreement:
    """How well the ranking predicts the truth."""
    items = ranking["items"]
    scores = [item["score"] for item in items]
    accuracies = [truth[item["name"]] for item in items]
    return Agreement(ranking["metric"], spearman(scores, accuracies), len(items))


def likely_best(fused: Ranking) -> str:
    """The best networks according to all evidence, with their probability."""
    names = {item["model_id"]: item["name"] for item in fused["items"]}
    best_set = fused.get("best_set")
    assert best_set is not None, "a fused ranking that is ready has one"
    among = ", ".join(names[model_id] for model_id in best_set["model_ids"])
    return f"According to all evidence, the best network is, with probability {best_set['probability']:.0%}, one of: {among}"


def worth_of(student: Model) -> str:
    """One line: teachers, student and chance on images that none was trained on."""
    measured = (student.get("lineage") or {})["measured"]
    numbered = [re.fullmatch(r"teacher_\d+_accuracy", name) for name in sorted(measured)]
    shares = [measured[match[0]] for match in numbered if match]
    teachers = " and ".join(f"{share:.1%}" for share in shares)
    return (
        f"accuracy on the evaluation digits: teachers {teachers}, {student['name']}"
        f" ({student['parameters']:,} parameters) {measured['accuracy']:.1%}, chance"
        f" {measured['chance']:.1%}"
    )


def rank_of(model_id: str, ranking: Ranking) -> str:
    """The rank of a network, with its neighbors in the ranking."""
    lines = [f"Its rank for the digits 5 to 9 by {ranking['metric']}:"]
    index = next(
        (k for k, item in enumerate(ranking["items"]) if item["model_id"] == model_id), None
    )
    if index is None:
        return f"It has no rank for the digits 5 to 9 by {ranking['metric']}."
    for item in ranking["items"][max(0, index - 2) : index + 3]:
        mark = "→" if item["model_id"] == model_id else " "
        lines.append(f"{mark}{item['rank']:>3} {item['name']:<19} {item['score']:6.3f}")
    return "\n".join(lines)


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Rank correlation with mean ranks for ties; nan for fewer than two values or a constant."""
    if len(set(left)) < 2 or len(set(right)) < 2:  # noqa: PLR2004 - one value has no order
        return float("nan")
    return correlation(_middle_ranks(left), _middle_ranks(right))


def _middle_ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value; equal values share the mean of their ranks."""
    ordered = sorted(values)
    first = {value: ordered.index(value) for value in values}
    return [first[value] + (ordered.count(value) + 1) / 2 for value in values]


def _interval(row: Mapping[str, Any]) -> str:
    bounds = row.get("interval")
    return f"{bounds[0]:.3f} … {bounds[1]:.3f}" if bounds else "–"
