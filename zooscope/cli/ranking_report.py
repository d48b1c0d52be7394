"""Prints a ranking: its table, the likely best networks and the baselines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zooscope import ZooClientError
from zooscope.cli.context import CliContext
from zooscope.cli.output import Overflow, TableColumn, format_score, id_column
from zooscope.client.results import Baseline, Ranking

_BASELINE_MODELS_SHOWN = 3


def _interval(item: Any) -> str:
    bounds = item.get("interval")
    return "–" if not bounds else f"{format_score(bounds[0])} … {format_score(bounds[1])}"


def percent(share: float | None) -> str:
    """A share from 0 to 1 in percent, or a dash."""
    return "–" if share is None else f"{100 * share:.1f} %"


_RANK = TableColumn("rank", lambda item: str(item["rank"]), "right", Overflow.KEEP)
_NAME = TableColumn("name", lambda item: item["name"])
_SCORE = TableColumn("score", lambda item: format_score(item["score"]), "right", Overflow.KEEP)
_ID = id_column("id", "model_id")
COLUMNS = (
    _RANK,
    _NAME,
    _SCORE,
    TableColumn("90 % interval", _interval, "right", Overflow.HIDE),
    TableColumn(
        "nodes", lambda item: format_score(item.get("node_similarity")), "right", Overflow.HIDE
    ),
    TableColumn(
        "edges", lambda item: format_score(item.get("edge_similarity")), "right", Overflow.HIDE
    ),
    TableColumn("probes", lambda item: str(item["valid_probes"]), "right", Overflow.HIDE),
    _ID,
)
ESTIMATOR_COLUMNS = (
    _RANK,
    _NAME,
    _SCORE,
    TableColumn("images", lambda item: str(item["valid_probes"]), "right", Overflow.HIDE),
    _ID,
)
FUSED_COLUMNS = (
    _RANK,
    _NAME,
    TableColumn("accuracy", lambda item: format_score(item["score"]), "right", Overflow.KEEP),
    TableColumn("80 % interval", _interval, "right", Overflow.HIDE),
    TableColumn("P(best)", lambda item: percent(item["p_best"]), "right", Overflow.KEEP),
    TableColumn(
        "expected regret",
        lambda item: format_score(item["expected_regret"]),
        "right",
        Overflow.HIDE,
    ),
    TableColumn("measured", lambda item: format_score(item["measured"]), "right", Overflow.HIDE),
    _ID,
)
UNRANKED_COLUMNS = (
    id_column("not ranked", "model_id"),
    TableColumn("reason", lambda model: f"{model['detail']} ({model['code']})"),
)
BASELINE_COLUMNS = (
    TableColumn("baseline", lambda line: line["name"], overflow=Overflow.KEEP),
    TableColumn("order", lambda line: line["order"]),
)
_COLUMNS = {"depara": COLUMNS, "attribution": COLUMNS, "fused": FUSED_COLUMNS}


def print_ranking(context: CliContext, ranking: Ranking) -> None:
    """Print a ranking: its table, conclusions, unranked networks and baselines.

    Raises:
        ZooClientError: The code of the failed ranking.
    """
    if ranking["state"] == "failed":
        raise ZooClientError.failed(ranking, name="ranking")
    context.out.done(ranking, "\n".join(_lines(ranking)))
    context.out.details(ranking["items"], _COLUMNS.get(ranking["metric"], ESTIMATOR_COLUMNS))
    context.out.details(ranking["unranked"], UNRANKED_COLUMNS)
    names = {item["model_id"]: item["name"] for item in ranking["items"]}
    baselines = [{"name": b["name"], "order": _order(b, names)} for b in ranking["baselines"]]
    context.out.details(baselines, BASELINE_COLUMNS)


def _lines(ranking: Ranking) -> Iterator[str]:
    """The sentences above the table."""
    line = f"{ranking['id']}  {ranking['state']}"
    if ranking["state"] == "pending":
        line += f"  job {ranking.get('job_id')}; see `zooscope rankings show {ranking['id']}`"
    yield line
    names = {item["model_id"]: item["name"] for item in ranking["items"]}
    best = ranking.get("best_set")
    if best is not None:
        probability = percent(best["probability"])
        yield f"with probability {probability}, the best is one of: {_named(best['model_ids'], names)}"
        yield f"measure next: {_named(ranking.get('measure_next') or (), names) or 'nothing left'}"


def _named(ids: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(model_id, model_id) for model_id in ids)


def _order(baseline: Baseline, names: Mapping[str, str]) -> str:
    """The first networks of a baseline's order, or why it has none."""
    items = baseline["items"]
    if items is None:
        return "–" if baseline["reason"] is None else f"– {baseline['reason']['detail']}"
    first = _named([item["model_id"] for item in items[:_BASELINE_MODELS_SHOWN]], names)
    return first + (", …" if len(items) > _BASELINE_MODELS_SHOWN else "")
