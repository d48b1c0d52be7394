"""The page of many zoos."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.many_zoos.figures import (
    DDS,
    PLUS,
    STATIC,
    chosen,
    difference,
    interval,
    pooled,
    spearman,
)
from benchmarks.many_zoos.zoos import PLANS, ZooPlan
from benchmarks.taskonomy.page import table

IN_USE = ("attribution", "depara", PLUS, "rsa", DDS, "linear_cka")
SHOWN = 15
MARGIN, LEAD = 0.02, 0.03
READING = "## Reading"
Facts = dict[str, Any]


def written(facts: Facts, *, before: str = "") -> str:
    """Markdown; the reading at the end of ``before``, written by hand, stays."""
    zoos = facts["zoos"]
    reading = before.partition(f"\n{READING}")[2]
    parts = [_head(facts), _zoos(zoos), _in_use(zoos), _against(zoos), _leading(zoos)]
    parts += [_left_out(zoos), _goal(zoos), _probes(zoos)]
    return "\n".join(parts) + (f"\n{READING}{reading}" if reading else "")


def _head(facts: Facts) -> str:
    host = facts["host"]
    return (
        "# Many zoos\n\n"
        "Which measure of likeness, without labels, foresees transfer in zoos that differ in data, family of"
        " encoders, width, training and seed. `benchmarks/many_zoos/PROTOCOL.md` says what was fixed beforehand."
        " `OMP_NUM_THREADS=1 python -m benchmarks.many_zoos --work FOLDER --write`;"
        f" {host['machine']}; {host['system']}, torch {host['torch']}, commit {host['commit']}, load"
        f" {host['load']} at the end. Brackets: 95 % over resampled targets.\n"
    )


def _plan(name: str) -> ZooPlan:
    return next(plan for plan in PLANS if plan.name == name)


def _zoos(zoos: Sequence[Facts]) -> str:
    rows = []
    for zoo in zoos:
        plan = _plan(zoo["name"])
        cells = (
            len(zoo["targets"]),
            plan.channels,
            plan.steps,
            plan.seed,
            plan.draws,
            zoo["probes"],
        )
        agreement = f"{zoo['between_draws']:.2f}"
        rows.append([zoo["name"], *map(str, cells), agreement])
    columns = [
        "zoo",
        "targets",
        "channels of F",
        "steps",
        "seed",
        "draws of decoders",
        "own probes",
    ]
    return "\n## Zoos\n\n" + table([*columns, "Spearman between draws"], rows)


def _in_use(zoos: Sequence[Facts]) -> str:
    parts = []
    for key, title in (("spearman", "Mean Spearman"), ("regret", "Regret of the first")):
        rows = [
            [
                f"`{name}`" if name != STATIC else name,
                *(f"{np.mean(zoo['figures'][name][key]):.2f}" for zoo in zoos),
                f"{pooled(zoos, name, key):.3f}",
            ]
            for name in (*IN_USE, STATIC)
        ]
        columns = ["metric", *(zoo["name"] for zoo in zoos), "pooled"]
        parts.append(f"\n## {title}, metrics in use\n\n" + table(columns, rows))
    return "\n".join(parts)


def _cell(mean: float, bounds: Sequence[float]) -> str:
    return f"{mean:+.2f} ({bounds[0]:+.2f} … {bounds[1]:+.2f})"


def _against(zoos: Sequence[Facts]) -> str:
    rows = []
    for name in (*IN_USE, STATIC):
        if name == PLUS:
            continue
        gains = [spearman(zoo, name) - spearman(zoo, PLUS) for zoo in zoos]
        cells = [_cell(float(gain.mean()), interval(gain)) for gain in gains]
        rows.append([name, *cells, _cell(*difference(zoos, name, PLUS))])
    columns = ["metric", *(zoo["name"] for zoo in zoos), "pooled"]
    return "\n## Spearman minus that of `depara_plus`\n\n" + table(columns, rows)


def _leading(zoos: Sequence[Facts]) -> str:
    names = sorted((n for n in zoos[0]["figures"] if n != STATIC), key=lambda n: -pooled(zoos, n))
    rows = [
        [
            name,
            f"{pooled(zoos, name):.3f}",
            f"{min(np.mean(spearman(zoo, name)) for zoo in zoos):.2f}",
            f"{pooled(zoos, name, 'regret'):.3f}",
            _cell(*difference(zoos, name, PLUS)),
            _cell(*difference(zoos, name, DDS)),
        ]
        for name in names[:SHOWN]
    ]
    columns = ["candidate", "pooled Spearman", "worst zoo", "regret", "minus plus", "minus DDS"]
    return f"\n## The best {SHOWN} of {len(names)} candidates\n\n" + table(columns, rows)


def _left_out(zoos: Sequence[Facts]) -> str:
    rows, totals = [], []
    for zoo in zoos:
        name = chosen([other for other in zoos if other is not zoo])
        values = [float(np.mean(spearman(zoo, n))) for n in (name, PLUS, DDS)]
        totals.append(values)
        rows.append([zoo["name"], name, *(f"{value:.2f}" for value in values)])
    rows.append(["mean", "", *(f"{value:.3f}" for value in np.mean(totals, axis=0))])
    columns = ["zoo left out", "chosen by the others", "Spearman", "`depara_plus`", "`dds`"]
    return "\n## Chosen on the other zoos\n\n" + table(columns, rows)


def _goal(zoos: Sequence[Facts]) -> str:
    """Whether the best candidate reaches the goal."""
    best = chosen(zoos)
    rows = []
    for name in dict.fromkeys((best, *IN_USE)):
        gaps = [
            float(np.mean(spearman(zoo, name)))
            - max(float(np.mean(spearman(zoo, other))) for other in IN_USE)
            for zoo in zoos
        ]
        lead, _ = difference(zoos, name, DDS)
        met = "yes" if min(gaps) >= -MARGIN and lead >= LEAD else "no"
        rows.append([name, f"{min(gaps):+.2f}", f"{lead:+.3f}", met])
    text = (
        f"\n## Goal\n\nIn each zoo at most {MARGIN} below the best metric in use there, and {LEAD} above `dds`"
        " pooled. The first row was chosen on these very zoos.\n\n"
    )
    columns = ["measure", "worst gap to the best in use", "lead over `dds`, pooled", "met"]
    return text + table(columns, rows)


def _probes(zoos: Sequence[Facts]) -> str:
    counts = sorted({int(n) for zoo in zoos for n in zoo["counts"]})
    rows = []
    for name in IN_USE:
        cells = []
        for count in counts:
            values = [
                zoo["counts"][str(count)][name] for zoo in zoos if str(count) in zoo["counts"]
            ]
            cells.append(f"{np.mean(values):.2f}" + ("" if len(values) == len(zoos) else "*"))
        rows.append([f"`{name}`", *cells])
    kinds = [
        [
            f"`{name}`",
            *(
                f"{np.mean([zoo['kinds'][kind][name] for zoo in zoos]):.2f}"
                for kind in zoos[0]["kinds"]
            ),
        ]
        for name in IN_USE
    ]
    return (
        "\n## How many probes\n\nPooled Spearman by number of the zoo's own images, mean of two draws; * over"
        " the zoos that have so many.\n\n"
        + table(["metric", *map(str, counts)], rows)
        + "\n## Which probes\n\n256 images: the zoo's own, those of all other collections, uniform noise.\n\n"
        + table(["metric", *zoos[0]["kinds"]], kinds)
    )
