"""What the demo tells: the ranking by both metrics beside the truth, and how well they agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import correlation
from typing import Any

from service.cli.output import Column, figure
from service.client.views import Ranking


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


def columns() -> Sequence[Column]:
    """How a row is told."""
    return (
        Column("rank", lambda row: str(row["rank"]), "right"),
        Column("model", lambda row: row["name"]),
        Column("score", lambda row: figure(row["score"]), "right"),
        Column("90 % interval", _interval, "right"),
        Column("s_V nodes", lambda row: figure(row.get("node_similarity")), "right"),
        Column("s_E edges", lambda row: figure(row.get("edge_similarity")), "right"),
        Column("by maps alone", lambda row: str(row["attribution_rank"] or "–"), "right"),
        Column("true accuracy", lambda row: f"{100 * row['transfer_accuracy']:.1f} %", "right"),
    )


def agreement(ranking: Ranking, truth: Mapping[str, float]) -> Agreement:
    """How well the ranking foresaw the truth."""
    items = ranking["items"]
    scores = [item["score"] for item in items]
    accuracies = [truth[item["name"]] for item in items]
    return Agreement(ranking["metric"], spearman(scores, accuracies), len(items))


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Rank correlation with middle ranks for ties; nan for fewer than two, or for a constant."""
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
    return f"{figure(bounds[0])} … {figure(bounds[1])}" if bounds else "–"
