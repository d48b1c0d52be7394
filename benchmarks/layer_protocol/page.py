"""docs/results/layer_selection.md: what the benchmark found, written from its facts alone."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.layer_protocol import judging
from benchmarks.layer_protocol.cuts import AMPLE, RETRAINING, SCARCE
from benchmarks.layer_protocol.judging import PRESETS, Row, Way, agreement, depara
from benchmarks.layer_protocol.tasks import POOL, PROBES, TESTED
from benchmarks.layer_protocol.tuning import EDGE_WEIGHTS, tuned

Facts = Mapping[str, Any]
REMARKS = "## Remarks"
_JUDGED = ("Spearman [90 %]", "regret, points", "minus deepest", "minus middle")
_HEAD = """# Layer selection against measured transfer

Written by `python -m benchmarks.layer_selection --processes {processes}`; every figure is in
[layer_selection.json](layer_selection.json). {machine}; {system}; torch {torch}; commit {commit}.
{minutes:.0f} minutes of wall clock with {processes} process(es) of one thread, {cpu:.0f} minutes of
CPU time; load average {load} before and {load_after} after: well above {processes} means that the
machine was shared. [Data](data.md) says where the images and the ResNet-20 come from.

* **Sources**, seed 1: {sources}. ResNet-20 is the published CIFAR-10 network; the others were
  trained here on at most {pool} images of 32 × 32 pixels (animals: six classes of CIFAR-10).
* **Targets**: four vehicle classes of CIFAR-10, Fashion-MNIST, MNIST, each with at most {pool}
  labeled images, {tested} held out for accuracy and {probes} others as unlabeled probes.
  {pairs} pairs of source and target, {seeds} seeds each: {triples} triples. A seed draws the
  labeled images, the initial weights and the target network.
* **A cut** freezes the source up to a step (batch norm in evaluation mode); everything above is
  new, from random weights, and reset for each cut: {schedules}.
* **Scores**: the method `layer_selection` with its defaults, against the logits of a network of the
  *plain* family that was trained from scratch on the same 1 % or 10 % (mean accuracies below).
  λ as in the paper: 10 at 1 %, 1 at 10 %.
* **Regret**: accuracy of the best cut minus that of the chosen one. **Intervals**: 90 %, bootstrap over
  pairs with all their seeds. *Another seed* chooses by accuracies that the next seed measured: no
  score can be expected to beat it.
* Left out: `flowers5` has 40 photographs of a class, so 1 % is none. ResNet-20 is cut at its blocks
  2 to 9 and retrained on 1 % only (its upper part costs six times a small network), and is never
  paired with vehicles, which it was trained on.
"""


def written(facts: Facts, *, before: str = "") -> str:
    """The page as Markdown; the hand-written remarks at the end of ``before`` stay."""
    remarks = before.partition(f"\n{REMARKS}")[2]
    rows = facts["rows"]
    parts = [_head(facts)]
    parts += [_main(_of(rows, share), share) for share in (SCARCE, AMPLE)]
    parts += [
        "\n![Accuracy and score by cut](layer_selection.png)\n\nAccuracy (solid) and DEPARA's score"
        " (dashed, stretched to the same height; the triangle marks its choice) by cut, means over"
        " seeds.\n",
        _without_deepest(rows),
        _by_source(rows),
        _pairs(rows),
        _tuned(rows),
        _sweep(rows),
        _views(rows),
    ]
    return "".join(parts) + (f"\n{REMARKS}{remarks}" if remarks else "")


def ways(rows: Sequence[Row], share: float) -> dict[str, Way]:
    """The ways of choosing that the main tables compare."""
    preset = PRESETS[share]
    return {
        f"**DEPARA, λ = {preset:g}**": depara(preset),
        "nodes only (V)": depara(0.0),
        "edges only (E)": depara(math.inf),
        "deepest": judging.deepest,
        "middle": judging.middle,
        "RSA with the target's logits": agreement("RSA · logits"),
        "RSA with the target's last feature": agreement("RSA · features"),
        "linear CKA with the target's logits": agreement("CKA · logits"),
        "linear CKA with the target's last feature": agreement("CKA · features"),
        "*another seed*": judging.measured_with_another_seed(rows),
    }


def _head(facts: Facts) -> str:
    rows = facts["rows"]
    pairs = {(row["source"], row["target"]) for row in rows}
    sources = ", ".join(
        name if accuracy is None else f"{name} ({accuracy:.0%} on its own test images)"
        for name, accuracy in facts["sources"].items()
    )
    schedules = "; ".join(
        f"{plan.steps} steps of {plan.batch} images for {share:.0%}"
        for share, plan in RETRAINING.items()
    )
    return _HEAD.format(
        **facts["surroundings"],
        processes=facts["processes"],
        minutes=facts["seconds"]["all"] / 60,
        cpu=facts["cpu_seconds"] / 60,
        sources=sources,
        schedules=schedules,
        pairs=len(pairs),
        triples=len(pairs) * facts["seeds"],
        seeds=facts["seeds"],
        pool=POOL,
        tested=TESTED,
        probes=PROBES,
    )


def _main(rows: Sequence[Row], share: float) -> str:
    figures = {name: judging.judged(rows, way) for name, way in ways(rows, share).items()}
    figures = {name: values for name, values in figures.items() if values}
    figures["random"] = judging.judged_by_chance(rows)
    lines = ([name, *_figures(values)] for name, values in figures.items())
    title = f"\n## {share:.0%} of the target ({len(rows)} triples)\n\n"
    return title + table(["way of choosing", *_JUDGED], lines)


def _without_deepest(rows: Sequence[Row]) -> str:
    """Correlation and regret among the cuts that leave more than the head to be trained."""
    lines: dict[str, list[str]] = {}
    for share in (SCARCE, AMPLE):
        shorter = [judging.without_deepest(row) for row in _of(rows, share)]
        figures = {
            name: judging.judged(shorter, way) for name, way in ways(shorter, share).items()
        }
        figures["random"] = judging.judged_by_chance(shorter)
        for name, values in figures.items():
            plain = name.partition(", λ")[0].strip("*")
            lines.setdefault(plain, []).extend(_figures(values)[:2] if values else ["–", "–"])
    note = (
        "At the deepest cut only a linear head is trained, and it is far below the others almost"
        " everywhere. The same figures without that cut as a candidate, when the one before it counts as"
        " deepest (exploratory, after the fact):\n\n"
    )
    columns = ["way of choosing"]
    columns += [f"{what}, {share}" for share in ("1 %", "10 %") for what in ("Spearman", "regret")]
    body = table(columns, ([name, *cells] for name, cells in lines.items()))
    return "\n## Without the deepest cut\n\n" + note + body


def _by_source(rows: Sequence[Row]) -> str:
    lines = []
    for share in (SCARCE, AMPLE):
        for source in dict.fromkeys(row["source"] for row in rows):
            own = [row for row in _of(rows, share) if row["source"] == source]
            if own:
                ours = judging.judged(own, depara(PRESETS[share]))
                deep = judging.judged(own, judging.deepest)
                means = [
                    values[key][0] for key in ("spearman", "regret") for values in (ours, deep)
                ]
                lines.append(
                    [source, f"{share:.0%}", *(f"{value:.2f}" for value in means[:2])]
                    + [f"{value:.1f}" for value in means[2:]]
                )
    columns = ["source", "share", "Spearman, DEPARA", "deepest", "regret, DEPARA", "deepest"]
    return "\n## By source\n\n" + table(columns, lines)


def _pairs(rows: Sequence[Row]) -> str:
    columns = ["source → target", "share", "cuts", "from scratch", "best cut", "accuracy there"]
    columns += ["deepest cut's accuracy", "DEPARA's cut", "accuracy there"]
    lines = []
    for share in (SCARCE, AMPLE):
        for pair in dict.fromkeys((row["source"], row["target"]) for row in _of(rows, share)):
            own = [row for row in _of(rows, share) if (row["source"], row["target"]) == pair]
            lines.append([" → ".join(pair), f"{share:.0%}", *_pair(own, PRESETS[share])])
    note = "Means over seeds; the cuts are those each seed chose.\n\n"
    return "\n## Every pair\n\n" + note + table(columns, lines)


def _pair(rows: Sequence[Row], edge_weight: float) -> list[str]:
    way = depara(edge_weight)
    chosen = [judging.chosen(way(row) or []) for row in rows]
    best = [judging.chosen(row["accuracies"]) for row in rows]
    cuts = rows[0]["cuts"]
    return [
        f"{cuts[0]}–{cuts[-1]}",
        _percent([row["scratch"] for row in rows]),
        _listed(cuts[index] for index in best),
        _percent([max(row["accuracies"]) for row in rows]),
        _percent([row["accuracies"][-1] for row in rows]),
        _listed(cuts[index] for index in chosen),
        _percent([row["accuracies"][index] for row, index in zip(rows, chosen, strict=True)]),
    ]


def _tuned(rows: Sequence[Row]) -> str:
    note = (
        "Setting and λ chosen by mean Spearman on every second pair (both shares together), evaluated"
        " on the other pairs. *Preset*: λ = 10 at 1 %, 1 at 10 %.\n\n"
    )
    lines = [
        [setting.name, f"{setting.on_tuning:.2f}", *_figures(setting.on_judged)]
        for setting in tuned(rows)
    ]
    columns = ["way of choosing", "Spearman on the tuning half", *_JUDGED]
    return "\n## Tuned on half, evaluated on the other half\n\n" + note + table(columns, lines)


def _sweep(rows: Sequence[Row]) -> str:
    lines = []
    for weight in EDGE_WEIGHTS:
        cells = ["∞" if math.isinf(weight) else f"{weight:g}"]
        for share in (SCARCE, AMPLE):
            figures = judging.judged(_of(rows, share), depara(weight))
            cells += _figures(figures)[:2]
        strong = judging.judged(_of(rows, SCARCE), _strong(weight))
        lines.append([*cells, *_figures(strong)[:2]])
    columns = ["λ"]
    columns += [f"{what}, {share}" for share in ("1 %", "10 %") for what in ("Spearman", "regret")]
    columns += ["Spearman, 1 %, better target network", "regret"]
    note = (
        "Exploratory, after the fact. The last two columns compare with the target network that was"
        " trained on 10 %, while 1 % retrain the upper part.\n\n"
    )
    return "\n## λ\n\n" + note + table(columns, lines)


def _views(rows: Sequence[Row]) -> str:
    lines = []
    for view in rows[0]["agreements"]:
        cells = [view]
        for share in (SCARCE, AMPLE):
            cells += _figures(judging.judged(_of(rows, share), agreement(view)))[:2]
        lines.append(cells)
    columns = ["pairs of probes · target's layer"]
    columns += [f"{what}, {share}" for share in ("1 %", "10 %") for what in ("Spearman", "regret")]
    note = "Exploratory. *Edges, raw · logits* are the edges of the method's defaults.\n\n"
    return "\n## Views of the pairs of probes, alone\n\n" + note + table(columns, lines)


def _strong(edge_weight: float) -> Way:
    return lambda row: judging.combined(
        row["strong"]["nodes"], row["strong"]["edges"], edge_weight
    )


def _of(rows: Sequence[Row], share: float) -> list[Row]:
    return [row for row in rows if row["share"] == share]


def _figures(figures: Mapping[str, Sequence[float]]) -> list[str]:
    return [
        _span(figures["spearman"], 2),
        _span(figures["regret"], 1),
        _span(figures["beside_deepest"], 1),
        _span(figures["beside_middle"], 1),
    ]


def _span(value: Sequence[float], digits: int) -> str:
    mean, low, high = value
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _percent(values: Sequence[float]) -> str:
    return f"{100 * sum(values) / len(values):.1f}"


def _listed(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in values)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
