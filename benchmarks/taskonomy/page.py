"""docs/results/small_taskonomy.md: what the zoos showed, written from their facts alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Facts = Mapping[str, Any]
READING = "## Reading"
_HEAD = """# A small taskonomy: which network transfers to which task

Written by `python -m benchmarks.small_taskonomy`; every figure is in
[small_taskonomy.json](small_taskonomy.json).

* Machine: {machine}; {system}; torch {torch}; commit {commit}; load average at the end {load};
  device {device}, {threads} thread.
* Sources: encoders of one architecture (six convolutions, 174 000 weights, F of 64 × 4 × 4), each
  trained for {steps} steps of 96 images on its own task over the same 8 000 images, seed {seed}; and
  one with random weights, whose normalisation layers have seen images.
* Truth: every encoder frozen, a decoder of one hidden layer trained on 400 other images, {seeds}
  seeds (other images, other weights), losses on 500 images held out. Source i beats source j on the
  share of images where its loss is smaller; the affinity is the principal eigenvector of the ratios
  of wins (Taskonomy, CVPR 2018). The target's own network is never its source.
* Measures: {probes} more images as probes, without labels; F of the encoder; LogME alone sees the
  400 images and their labels.
* P@K: share of the first K that are among the five truly best; R@5 = P@5. Regret: mean win rate of
  the truly best source less that of the first recommended one. Brackets: 95 % intervals over
  redrawn targets.
"""
_FIGURES = ("p_at_1", "p_at_5", "spearman", "regret")
_TITLES = ("P@1", "P@5 = R@5", "mean column Spearman", "regret of the first")


def written(facts: Facts, *, before: str = "") -> str:
    """The page as Markdown; the reading at the end of ``before``, written by hand, stays."""
    reading = before.partition(f"\n{READING}")[2]
    parts = [_HEAD.format(**facts["surroundings"], **facts["settings"])]
    for zoo, name in (
        (facts["zoos"]["cifar"], "CIFAR-10"),
        (facts["zoos"]["fashion"], "Fashion-MNIST"),
    ):
        parts += [_measures(name, zoo), _halved(name, zoo)]
    main = facts["zoos"]["cifar"]
    parts += [_sweep(main), _picture(), _truth(main), _tasks(main), _by_target(main), _time(facts)]
    return "\n".join(parts) + (f"\n{READING}{reading}" if reading else "")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _measures(name: str, zoo: Facts) -> str:
    rows = [["chance", *(f"{zoo['chance'][key]:.2f}" for key in _FIGURES)]]
    for measure, one in zoo["figures"].items():
        rows.append([measure, *(_with_interval(one, key) for key in _FIGURES)])
    labelled = [
        [measure, *(f"{one[key]:.2f}" for key in _FIGURES)]
        for measure, one in zoo["labelled_figures"].items()
    ]
    count, few = len(zoo["targets"]), len(zoo["labelled"])
    return (
        f"\n## {name}: {len(zoo['sources'])} sources, {count} targets\n\n"
        + _table(["measure", *_TITLES], rows)
        + f"\nThe {few} targets with labels alone:\n\n"
        + _table(["measure", *_TITLES], labelled)
    )


def _with_interval(one: Facts, key: str) -> str:
    if np.isnan(one["mean"][key]):
        return "–"
    low, high = one["interval"][key]
    return f"{one['mean'][key]:.2f} ({low:.2f} … {high:.2f})"


def _halved(name: str, zoo: Facts) -> str:
    halved = dict(zoo["halved"])
    chosen = halved.pop("chosen")
    rows = [
        [measure, *(f"{one['mean'][key]:.2f} ± {one['deviation'][key]:.2f}" for key in _FIGURES)]
        for measure, one in halved.items()
    ]
    told = ", ".join(f"{weight} {count} times" for weight, count in chosen.items())
    return (
        f"\n### {name}: λ chosen on half of the targets, judged on the other half\n\n"
        f"200 halvings, mean ± deviation; λ was {told}.\n\n" + _table(["measure", *_TITLES], rows)
    )


def _sweep(zoo: Facts) -> str:
    rows = [
        [f"λ = {weight}", *(f"{one[key]:.2f}" for key in _FIGURES)]
        for weight, one in zoo["sweep"].items()
    ]
    return (
        "\n## DEPARA over λ, CIFAR-10, all targets\n\nFor looking at, not for choosing.\n\n"
        + _table(["DEPARA", *_TITLES], rows)
    )


def _picture() -> str:
    return (
        "\n## The affinities, and what DEPARA says\n\nRank of every source within a target (the"
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
        "\n## Truth, CIFAR-10\n\nAffinities of one target sum to 1, the target's own network"
        " included; intervals over redrawn images and decoder seeds. Redrawn, the five best keep"
        f" {zoo['top_kept']:.0%} of their members.\n\n" + _table(columns, rows)
    )


def _affinity(zoo: Facts, target: int, source: int) -> str:
    value, low, high = (zoo[key][target][source] for key in ("affinity", "low", "high"))
    return f"{zoo['sources'][source]} {value:.3f} ({low:.3f}–{high:.3f})"


def _tasks(zoo: Facts) -> str:
    rows = []
    for k, target in enumerate(zoo["targets"]):
        losses = zoo["losses"][k]
        others = [one for i, one in enumerate(losses) if i not in (0, zoo["itself"][k])]
        own, control = losses[zoo["itself"][k]], losses[0]
        rows.append(
            [target, zoo["about"][target], f"{own:.3f}", f"{min(others):.3f}", f"{control:.3f}"]
        )
    columns = ["task", "asked for", "own encoder", "best other", "random encoder"]
    return (
        "\n## Tasks, CIFAR-10\n\nMean loss of decoders on images held out: cross-entropy, or"
        " squared error in units of the task.\n\n" + _table(columns, rows)
    )


def _by_target(zoo: Facts) -> str:
    names = [name for name in zoo["by_target"] if not name.startswith("LogME")]
    rows = [
        [target, *(f"{zoo['by_target'][name][k]:+.2f}" for name in names)]
        for k, target in enumerate(zoo["targets"])
    ]
    return "\n## Spearman of every target, CIFAR-10\n\n" + _table(["target", *names], rows)


def _time(facts: Facts) -> str:
    rows = [
        [name, *(f"{zoo['seconds'][stage]:.0f}" for stage in ("encoders", "transfers"))]
        for name, zoo in facts["zoos"].items()
    ]
    return "\n## Time\n\nSeconds, on a machine that others were using.\n\n" + _table(
        ["zoo", "training the encoders", "all transfers"], rows
    )
