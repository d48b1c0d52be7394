"""Prints a ranking: its table, the likely best networks and the baselines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from service.core.counts import counted
from zooscope import ZooClientError
from zooscope.cli.context import CliContext
from zooscope.cli.output import Overflow, TableColumn, first_of_many, format_score, id_column
from zooscope.client.ranking_table import RankingTable
from zooscope.client.rankings import Metric
from zooscope.client.results import Baseline, Ranking, RankingEstimate

_BASELINE_MODELS_SHOWN = 3
_TIED_SHOWN = 5
_STEP = 1000
_PREFIXES = ("", "k", "M", "G", "T")


def _interval(item: Any) -> str:
    bounds = item.get("interval")
    return "–" if not bounds else f"{format_score(bounds[0])} … {format_score(bounds[1])}"


def percent(share: float | None) -> str:
    """A share from 0 to 1 in percent, or a dash."""
    return "–" if share is None else f"{100 * share:.1f} %"


def short_count(number: int | None) -> str:
    """A count with three digits at most and a prefix (12 M), or a dash."""
    if number is None:
        return "–"
    value, index = float(number), 0
    while value >= _STEP - 0.5 and index < len(_PREFIXES) - 1:
        value, index = value / _STEP, index + 1
    digits = f"{value:.1f}" if index and value < 10 else f"{value:.0f}"  # noqa: PLR2004 - one digit
    return f"{digits} {_PREFIXES[index]}".rstrip()


def milliseconds(number: float | None) -> str:
    """A time with one decimal, or a dash."""
    return "–" if number is None else f"{number:.1f}"


_RANK = TableColumn("rank", lambda item: str(item["rank"]), "right", Overflow.KEEP)
_NAME = TableColumn("name", lambda item: item["name"])
_SCORE = TableColumn("score", lambda item: format_score(item["score"]), "right", Overflow.KEEP)
_ID = id_column("id", "model_id")
_GROUP = TableColumn("group", lambda item: str(item.get("group") or "–"), "right", Overflow.HIDE)
_SAME = TableColumn(
    "same weights as",
    lambda item: first_of_many(item.get("same_weights_as", ())),
    overflow=Overflow.HIDE,
)
_NEAR = TableColumn(
    "near copies",
    lambda item: ", ".join(copy["name"] for copy in item.get("near_copies", ())),
    overflow=Overflow.HIDE,
)
_COSTS = (
    TableColumn(
        "parameters", lambda item: short_count(item.get("parameters")), "right", Overflow.HIDE
    ),
    TableColumn("operations", lambda item: short_count(item.get("flops")), "right", Overflow.HIDE),
    TableColumn("ms", lambda item: milliseconds(item.get("latency_ms")), "right", Overflow.HIDE),
    TableColumn("Pareto", lambda item: "●" if item.get("pareto") else "", overflow=Overflow.HIDE),
)
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
    *_COSTS,
    _GROUP,
    _ID,
    _SAME,
    _NEAR,
)
ESTIMATOR_COLUMNS = (
    _RANK,
    _NAME,
    _SCORE,
    TableColumn("images", lambda item: str(item["valid_probes"]), "right", Overflow.HIDE),
    *_COSTS,
    _ID,
    _SAME,
    _NEAR,
)
LABEL_COLUMNS = (*ESTIMATOR_COLUMNS[:-3], _GROUP, *ESTIMATOR_COLUMNS[-3:])
FUSED_COLUMNS = (
    _RANK,
    _NAME,
    TableColumn("accuracy", lambda item: format_score(item["mean"]), "right", Overflow.KEEP),
    TableColumn("80 % interval", _interval, "right", Overflow.HIDE),
    TableColumn("P(best)", lambda item: percent(item["p_best"]), "right", Overflow.KEEP),
    TableColumn(
        "expected regret",
        lambda item: format_score(item["expected_regret"]),
        "right",
        Overflow.HIDE,
    ),
    TableColumn("measured", lambda item: format_score(item["measured"]), "right", Overflow.HIDE),
    *_COSTS,
    _GROUP,
    _ID,
    _SAME,
    _NEAR,
)
UNRANKED_COLUMNS = (
    id_column("not ranked", "model_id"),
    TableColumn("reason", lambda model: f"{model['detail']} ({model['code']})"),
)
BASELINE_COLUMNS = (
    TableColumn("baseline", lambda line: line["name"], overflow=Overflow.KEEP),
    TableColumn("order", lambda line: line["order"]),
)
STEP_COLUMNS = (
    TableColumn("method", lambda step: step["method"], overflow=Overflow.KEEP),
    TableColumn("jobs", lambda step: str(step["jobs"]), "right", Overflow.KEEP),
    TableColumn("time", lambda step: _seconds(step.get("seconds")), "right", Overflow.KEEP),
    TableColumn("from", lambda step: (step.get("basis") or "–").replace("_", " ")),
)
_COLUMNS = {
    **dict.fromkeys(get_args(Metric), COLUMNS),
    "labels": LABEL_COLUMNS,
    **dict.fromkeys(("fused", "labels_and_history"), FUSED_COLUMNS),
}


def print_ranking(context: CliContext, result: RankingTable) -> None:
    """Print a ranking: its table, conclusions, unranked networks and baselines.

    Raises:
        ZooClientError: The code of the failed ranking.
    """
    ranking = result.data
    if ranking["state"] == "failed":
        raise ZooClientError.failed(ranking, name="ranking")
    context.out.done(ranking, "\n".join(report_lines(ranking)))
    names = _names(ranking)
    rows = [
        {
            **item,
            "same_weights_as": [names.get(id_, id_) for id_ in item.get("same_weights_as", ())],
        }
        for item in ranking["items"]
    ]
    context.out.details(rows, _COLUMNS.get(ranking["metric"], ESTIMATOR_COLUMNS))
    context.out.details(ranking["unranked"], UNRANKED_COLUMNS)
    baselines = [{"name": b["name"], "order": _order(b, names)} for b in ranking["baselines"]]
    context.out.details(baselines, BASELINE_COLUMNS)


def print_estimate(context: CliContext, estimate: RankingEstimate) -> None:
    """Print how long a ranking would take, and the jobs that it would need."""
    context.out.done(estimate, _duration(estimate))
    context.out.details(estimate["steps"], STEP_COLUMNS)


def _duration(estimate: RankingEstimate) -> str:
    steps, seconds = estimate["steps"], estimate.get("seconds")
    count = estimate["candidates"]
    about = counted(count, "candidate")
    if not steps:
        return f"{about}: everything is measured; the ranking is ready at once"
    unknown = any(step.get("seconds") is None for step in steps)
    if seconds is None:
        line = f"{about}: nothing is known yet about how long these jobs take"
    else:
        line = f"{about}: {'at least' if unknown else 'about'} {_seconds(seconds)}"
    if estimate["other_jobs"]:
        line += f", and {estimate['other_jobs']} other unfinished jobs come first or run beside"
    return line


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    minutes = seconds / 60
    return f"{seconds:.1f} s" if minutes < 1 else f"{minutes:.1f} min"


def _reasons(ranking: Ranking) -> Iterator[str]:
    """Why ``auto`` took its metric, and whether more probes would help."""
    if choice := ranking.get("choice"):
        yield f"auto took {choice['metric']}: {choice['reason']}"
    if on_probes := ranking.get("probes_advice"):
        yield on_probes


def report_lines(ranking: Ranking) -> Iterator[str]:
    """The sentences above the table."""
    if advice := ranking.get("advice"):
        yield advice
    line = f"{ranking['id']}  {ranking['state']}  by {ranking['metric']}"
    if ranking["state"] == "pending":
        line += f"  job {ranking.get('job_id')}; see `zooscope rankings show {ranking['id']}`"
    yield line
    shared = ranking.get("shared_images")
    if shared:
        yield f"target and probe set share {counted(shared, 'image')}"
    yield from _reasons(ranking)
    names = _names(ranking)
    best = ranking.get("best_set")
    if best is not None:
        probability = percent(best["probability"])
        yield f"with probability {probability}, the best is one of: {_named(best['model_ids'], names)}"
        yield f"measure next: {_named(ranking.get('measure_next') or (), names) or 'nothing left'}"
    first = [item["model_id"] for item in ranking["items"] if item.get("group") == 1]
    if len(first) > 1:
        yield f"cannot be told apart from the first: {_named(first[1 : _TIED_SHOWN + 1], names)}{', …' if len(first) > _TIED_SHOWN + 1 else ''}"
    for warning in ranking.get("warnings") or ():
        yield f"warning: {warning['detail']} ({warning['code']}); {warning['remedy']}"


def _names(ranking: Ranking) -> dict[str, str]:
    """The name of every network that has a row, or that a row stands for."""
    items = ranking["items"]
    copies = (copy for item in items for copy in item.get("near_copies", ()))
    return {row["model_id"]: row["name"] for row in (*copies, *items)}


def _named(ids: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(model_id, model_id) for model_id in ids)


def _order(baseline: Baseline, names: Mapping[str, str]) -> str:
    """The first networks of a baseline's order, or why it has none."""
    items = baseline["items"]
    if items is None:
        return "–" if baseline["reason"] is None else f"– {baseline['reason']['detail']}"
    first = _named([item["model_id"] for item in items[:_BASELINE_MODELS_SHOWN]], names)
    return first + (", …" if len(items) > _BASELINE_MODELS_SHOWN else "")
