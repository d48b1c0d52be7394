"""docs/results/small_taskonomy.md: what the zoos showed, written from their facts alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.taskonomy.judging import interval

Facts = Mapping[str, Any]
READING = "## Reading"
_HEAD = """# A small taskonomy: which network transfers to which task

Written by `python -m benchmarks.small_taskonomy --zoos {zoo_names}`; every figure is in
[small_taskonomy.json](small_taskonomy.json). [Data](data.md) says where the images come from.

* Machine: {machine}; {system}; torch {torch}; commit {commit}; load average at the end {load};
  device {device}, {threads} thread.
* Sources: encoders of one architecture (six convolutions, 174 000 weights, F of 64 × 4 × 4), each
  trained for {steps} steps of 96 images on its own task over the same 8 000 images, seed {seed}; and
  one with random weights, whose normalization layers have statistics of images.
* Truth: every encoder frozen, a decoder of one hidden layer trained on 400 other images, on
  {seeds} draws of images and weights, losses on 500 held-out images. Source i beats source j on the
  share of images where its loss is smaller; the affinity is the principal eigenvector of the ratios
  of wins (Taskonomy, CVPR 2018). The target's own network is never its source.
* Measures: {probes} more images as unlabeled probes; F of the encoder; only LogME uses the
  400 images and their labels.
* P@K: share of the first K that are among the five truly best; R@5 = P@5. Regret: mean win rate of
  the truly best source minus that of the first recommended one. Brackets: 95 % intervals over
  resampled targets.
"""
_FIGURES = ("p_at_1", "p_at_5", "spearman", "regret")
_TITLES = ("P@1", "P@5 = R@5", "mean column Spearman", "regret of the first")


def written(facts: Facts, *, before: str = "") -> str:
    """The page as Markdown; the reading at the end of ``before``, written by hand, stays."""
    reading = before.partition(f"\n{READING}")[2]
    parts = [
        _HEAD.format(
            **facts["surroundings"],
            **facts["settings"],
            zoo_names=" ".join(facts["zoos"]),
            seeds=_seeds(facts),
        )
    ]
    for zoo in facts["zoos"].values():
        parts += [_measures(zoo), _ahead(zoo), _halved(zoo), _sweep(zoo)]
    first = next(iter(facts["zoos"].values()))
    parts += [_picture(), _truth(first), _tasks(first), _by_target(first), _time(facts)]
    return "\n".join(parts) + (f"\n{READING}{reading}" if reading else "")


def _seeds(facts: Facts) -> str:
    return " and ".join(f"{zoo['seeds']} ({zoo['name']})" for zoo in facts["zoos"].values())


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _measures(zoo: Facts) -> str:
    rows = [["chance", *(f"{zoo['chance'][key]:.2f}" for key in _FIGURES)]]
    for measure, figures in zoo["figures"].items():
        rows.append([measure, *(_with_interval(figures, key) for key in _FIGURES)])
    labeled = [
        [measure, *(f"{figures[key]:.2f}" for key in _FIGURES)]
        for measure, figures in zoo["labelled_figures"].items()
    ]
    count, few = len(zoo["targets"]), len(zoo["labelled"])
    return (
        f"\n## {zoo['name']}: {len(zoo['sources'])} sources, {count} targets\n\n"
        + table(["measure", *_TITLES], rows)
        + f"\nThe {few} targets with labels alone:\n\n"
        + table(["measure", *_TITLES], labeled)
    )


def _ahead(zoo: Facts) -> str:
    """DEPARA plus minus every other, target by target."""
    plus = np.array(zoo["by_target"]["DEPARA plus"])
    rows = []
    for name, others in zoo["by_target"].items():
        gain = plus - np.array(others, dtype=float)
        if name == "DEPARA plus" or np.isnan(gain).all():
            continue
        low, high = interval(gain)
        wins = int((gain > 0).sum())
        cell = f"{np.nanmean(gain):+.2f} ({low:+.2f} … {high:+.2f})"
        rows.append([name, cell, f"{wins} of {int((~np.isnan(gain)).sum())}"])
    columns = ["measure", "Spearman of DEPARA plus minus its own", "targets where plus is ahead"]
    return f"\n### {zoo['name']}: DEPARA plus against each, target by target\n\n" + table(
        columns, rows
    )


def _with_interval(figures: Facts, key: str) -> str:
    if np.isnan(figures["mean"][key]):
        return "–"
    low, high = figures["interval"][key]
    return f"{figures['mean'][key]:.2f} ({low:.2f} … {high:.2f})"


def _halved(zoo: Facts) -> str:
    rows = [
        [
            measure,
            *(f"{figures['mean'][key]:.2f} ± {figures['deviation'][key]:.2f}" for key in _FIGURES),
        ]
        for measure, figures in zoo["halved"].items()
    ]
    choices = "".join(
        f"\n{measure}: {_choices(figures['chosen'])}.\n"
        for measure, figures in zoo["halved"].items()
        if measure.endswith("chosen")
    )
    return (
        f"\n### {zoo['name']}: chosen on half of the targets, evaluated on the other half\n\n"
        "200 halvings, mean ± deviation; chosen by mean Spearman. All rows on the same halves.\n\n"
        + table(["measure", *_TITLES], rows)
        + choices
    )


def _choices(chosen: Mapping[str, int]) -> str:
    ordered = sorted(chosen.items(), key=lambda item: -item[1])
    return ", ".join(f"{choice} {count} times" for choice, count in ordered)


def _sweep(zoo: Facts) -> str:
    weights = list(next(iter(zoo["sweep"].values())))
    rows = [
        [f"{power}", *(f"{row[w]['spearman']:.2f} / {row[w]['p_at_5']:.2f}" for w in weights)]
        for power, row in zoo["sweep"].items()
    ]
    return (
        f"\n### {zoo['name']}: DEPARA over λ and the power of the spectrum\n\n"
        "Spearman / P@5, all targets; for inspection, not for choosing. Power 1 is DEPARA,"
        " ¼ with λ = 4 is DEPARA plus.\n\n"
        + table(["power", *(f"λ = {w}" for w in weights)], rows)
    )


def _picture() -> str:
    return (
        "\n## The affinities beside the scores of DEPARA\n\nRank of every source within a target (the"
        " best dark, numbers 1 to 5); the target's own network is left white.\n\n"
        "![True affinities beside DEPARA's](small_taskonomy.png)\n"
    )


def _truth(zoo: Facts) -> str:
    rows = []
    for k, target in enumerate(zoo["targets"]):
        order = [i for i in np.argsort(-np.array(zoo["affinity"][k])) if i != zoo["itself"][k]]
        best = "; ".join(_affinity(zoo, k, i) for i in order[:5])
        seeds = f"{zoo['between_seeds'][k]:.2f}"
        rows.append([target, best, _affinity(zoo, k, order[-1]), seeds])
    columns = ["target", "five best sources: affinity (95 %)", "worst", "Spearman between seeds"]
    return (
        "\n## Truth, first zoo\n\nAffinities of one target sum to 1, the target's own network"
        " included; intervals over resampled images and decoder seeds. Resampled, the five best keep"
        f" {zoo['top_kept']:.0%} of their members.\n\n" + table(columns, rows)
    )


def _affinity(zoo: Facts, target: int, source: int) -> str:
    value, low, high = (zoo[key][target][source] for key in ("affinity", "low", "high"))
    return f"{zoo['sources'][source]} {value:.3f} ({low:.3f}–{high:.3f})"


def _tasks(zoo: Facts) -> str:
    rows = []
    for k, target in enumerate(zoo["targets"]):
        losses = zoo["losses"][k]
        others = [loss for i, loss in enumerate(losses) if i not in (0, zoo["itself"][k])]
        own, control = losses[zoo["itself"][k]], losses[0]
        rows.append(
            [target, zoo["about"][target], f"{own:.3f}", f"{min(others):.3f}", f"{control:.3f}"]
        )
    columns = ["task", "target", "own encoder", "best other", "random encoder"]
    return (
        "\n## Tasks, first zoo\n\nMean loss of decoders on held-out images: cross-entropy, or"
        " squared error in units of the task.\n\n" + table(columns, rows)
    )


def _by_target(zoo: Facts) -> str:
    names = [name for name in zoo["by_target"] if not name.startswith("LogME")]
    rows = [
        [target, *(f"{zoo['by_target'][name][k]:+.2f}" for name in names)]
        for k, target in enumerate(zoo["targets"])
    ]
    return "\n## Spearman of every target, first zoo\n\n" + table(["target", *names], rows)


def _time(facts: Facts) -> str:
    rows = [
        [name, *(f"{zoo['seconds'][stage]:.0f}" for stage in ("encoders", "transfers"))]
        for name, zoo in facts["zoos"].items()
    ]
    return "\n## Time\n\nSeconds, on a machine under other load.\n\n" + table(
        ["zoo", "training the encoders", "all transfers"], rows
    )
