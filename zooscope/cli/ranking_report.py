"""How a ranking is told to people: its table, the likely best, and what simpler orders say."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zooscope import ZooClientError
from zooscope.cli.context import Talk
from zooscope.cli.output import Give, TableColumn, figure, id_column
from zooscope.client.results import Baseline, Ranking

_TOLD_FIRST = 3


def _interval(item: Any) -> str:
    bounds = item.get("interval")
    return "–" if not bounds else f"{figure(bounds[0])} … {figure(bounds[1])}"


def percent(share: float | None) -> str:
    """A share from 0 to 1 in percent, or a dash."""
    return "–" if share is None else f"{100 * share:.1f} %"


_RANK = TableColumn("rank", lambda item: str(item["rank"]), "right", Give.STAYS)
_NAME = TableColumn("name", lambda item: item["name"])
_SCORE = TableColumn("score", lambda item: figure(item["score"]), "right", Give.STAYS)
_ID = id_column("id", "model_id")
COLUMNS = (
    _RANK,
    _NAME,
    _SCORE,
    TableColumn("90 % interval", _interval, "right", Give.LEAVES),
    TableColumn("nodes", lambda item: figure(item.get("node_similarity")), "right", Give.LEAVES),
    TableColumn("edges", lambda item: figure(item.get("edge_similarity")), "right", Give.LEAVES),
    TableColumn("probes", lambda item: str(item["valid_probes"]), "right", Give.LEAVES),
    _ID,
)
ESTIMATOR_COLUMNS = (
    _RANK,
    _NAME,
    _SCORE,
    TableColumn("images", lambda item: str(item["valid_probes"]), "right", Give.LEAVES),
    _ID,
)
FUSED_COLUMNS = (
    _RANK,
    _NAME,
    TableColumn("accuracy", lambda item: figure(item["score"]), "right", Give.STAYS),
    TableColumn("80 % interval", _interval, "right", Give.LEAVES),
    TableColumn("P(best)", lambda item: percent(item["p_best"]), "right", Give.STAYS),
    TableColumn("may lose", lambda item: figure(item["expected_regret"]), "right", Give.LEAVES),
    TableColumn("measured", lambda item: figure(item["measured"]), "right", Give.LEAVES),
    _ID,
)
UNRANKED_COLUMNS = (
    id_column("not ranked", "model_id"),
    TableColumn("because", lambda model: f"{model['detail']} ({model['code']})"),
)
BASELINE_COLUMNS = (
    TableColumn("baseline", lambda line: line["name"], give=Give.STAYS),
    TableColumn("its order", lambda line: line["order"]),
)
_COLUMNS = {"depara": COLUMNS, "attribution": COLUMNS, "fused": FUSED_COLUMNS}


def tell(talk: Talk, ranking: Ranking) -> None:
    """Print a ranking: its table, what follows from it, who has no place, the baselines.

    Raises:
        ZooClientError: It failed, with the code of the failure.
    """
    if ranking["state"] == "failed":
        error = ranking.get("error") or {"code": "failed", "detail": "the ranking failed"}
        raise ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))
    talk.out.done(ranking, "\n".join(_lines(ranking)))
    talk.out.part(ranking["items"], _COLUMNS.get(ranking["metric"], ESTIMATOR_COLUMNS))
    talk.out.part(ranking["unranked"], UNRANKED_COLUMNS)
    names = {item["model_id"]: item["name"] for item in ranking["items"]}
    baselines = [{"name": b["name"], "order": _order(b, names)} for b in ranking["baselines"]]
    talk.out.part(baselines, BASELINE_COLUMNS)


def _lines(ranking: Ranking) -> Iterator[str]:
    """The sentences above the table."""
    line = f"{ranking['id']}  {ranking['state']}"
    if ranking["state"] == "pending":
        line += f"  job {ranking.get('job_id')}; see `zooscope rankings show {ranking['id']}`"
    yield line
    names = {item["model_id"]: item["name"] for item in ranking["items"]}
    best = ranking.get("best_set")
    if best is not None:
        sure = percent(best["probability"])
        yield f"with probability {sure} the best is among: {_named(best['model_ids'], names)}"
        yield f"measure next: {_named(ranking.get('measure_next') or (), names) or 'nothing is left'}"


def _named(ids: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(one, one) for one in ids)


def _order(baseline: Baseline, names: Mapping[str, str]) -> str:
    """The first of a baseline's order, or why it has none."""
    items = baseline["items"]
    if items is None:
        return "–" if baseline["reason"] is None else f"– {baseline['reason']['detail']}"
    first = _named([one["model_id"] for one in items[:_TOLD_FIRST]], names)
    return first + (", …" if len(items) > _TOLD_FIRST else "")
