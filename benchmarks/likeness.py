"""Measures of likeness without labels, side by side over every zoo whose truth was measured.

Reads what ``benchmarks.small_taskonomy`` wrote and trains nothing:

    python -m benchmarks.likeness

Writes docs/results/likeness.md from docs/results/small_taskonomy.json. Rows: the metrics of rankings and maps;
truth: which network transfers to which task. Also: which power of the spectrum and which λ the other
zoos would have chosen, judged on the zoo that was left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.taskonomy.judging import interval
from benchmarks.taskonomy.page import table

RESULTS = Path(__file__).parents[1] / "docs" / "results"
FILE = "small_taskonomy.json"
PLUS = "DEPARA plus"
METRICS = {
    "attribution, gradient × input": "`attribution`",
    "DEPARA, λ = 0.25": "`depara`",
    PLUS: "`depara_plus`",
    "RSA": "`rsa`",
    "DDS": "`dds`",
    "linear CKA": "`linear_cka`",
    "static list": "static list (no measure: mean win rate on other targets)",
}
Facts = Mapping[str, Any]
READING = "## Reading"


def main() -> None:
    """Write the page."""
    path = RESULTS / "likeness.md"
    before = path.read_text() if path.exists() else ""
    path.write_text(written(json.loads((RESULTS / FILE).read_text()), before=before))


def written(facts: Facts, *, before: str = "") -> str:
    """The page as Markdown; the reading at the end of ``before``, written by hand, stays."""
    zoos = list(facts["zoos"].values())
    reading = before.partition(f"\n{READING}")[2]
    parts = [_head(facts), _figures(zoos, "spearman"), _figures(zoos, "regret"), _against(zoos)]
    parts.append(_left_out(zoos))
    return "\n".join(parts) + (f"\n{READING}{reading}" if reading else "")


def _head(facts: Facts) -> str:
    settings, commit = facts["settings"], facts["surroundings"]["commit"]
    zoos = "".join(
        f"* {zoo['name']}: {len(zoo['sources'])} networks, {len(zoo['targets'])} targets, {zoo['seeds']} draws"
        " of decoders.\n"
        for zoo in facts["zoos"].values()
    )
    return (
        "# Likeness without labels\n\n"
        "How well the metrics that compare networks foresee which one transfers to a task. Written by"
        " `python -m benchmarks.likeness` from [small_taskonomy.json](small_taskonomy.json);"
        " [small taskonomy](small_taskonomy.md) says how truth was measured. Encoders of"
        f" {settings['steps']} steps, seed {settings['seed']}; {settings['probes']} probes without labels;"
        f" measured at commit {commit}. Brackets: 95 % intervals over resampled targets.\n\n{zoos}"
    )


def _figures(zoos: Sequence[Facts], key: str) -> str:
    titles = {
        "spearman": "Mean Spearman correlation with the truth",
        "regret": "Regret of the first",
    }
    rows = []
    for name, title in METRICS.items():
        means = [zoo["figures"][name]["mean"][key] for zoo in zoos]
        cells = [
            _cell(mean, zoo["figures"][name]["interval"][key])
            for mean, zoo in zip(means, zoos, strict=True)
        ]
        rows.append([title, *cells, f"{np.mean(means):.2f}"])
    columns = ["metric", *(zoo["name"] for zoo in zoos), "mean of the zoos"]
    return f"\n## {titles[key]}\n\n" + table(columns, rows)


def _against(zoos: Sequence[Facts]) -> str:
    """Every metric minus ``depara_plus``, target by target."""
    rows = []
    for name, title in METRICS.items():
        if name == PLUS:
            continue
        gains = [np.subtract(zoo["by_target"][name], zoo["by_target"][PLUS]) for zoo in zoos]
        cells = [_cell(float(gain.mean()), interval(gain), sign="+") for gain in gains]
        pooled = np.concatenate(gains)
        rows.append([title, *cells, _cell(float(pooled.mean()), interval(pooled), sign="+")])
    columns = ["metric", *(zoo["name"] for zoo in zoos), "all targets"]
    return "\n## Spearman minus that of `depara_plus`, target by target\n\n" + table(columns, rows)


def _left_out(zoos: Sequence[Facts]) -> str:
    """The power and λ that the mean of the other zoos chooses, on the zoo left out."""
    rows = []
    for zoo in zoos:
        others = [other for other in zoos if other is not zoo]
        power, weight = max(_settings(zoo), key=lambda pair: _mean(others, pair))
        chosen = zoo["sweep"][power][weight]["spearman"]
        figures = (zoo["figures"][name]["mean"]["spearman"] for name in (PLUS, "DDS"))
        cells = [f"{value:.2f}" for value in (chosen, *figures)]
        rows.append([zoo["name"], f"power {power}, λ = {weight}", *cells])
    columns = ["zoo left out", "chosen by the others", "Spearman", "`depara_plus`", "`dds`"]
    return "\n## Power and λ chosen on the other zoos\n\n" + table(columns, rows)


def _settings(zoo: Facts) -> Iterator[tuple[str, str]]:
    return ((power, weight) for power, row in zoo["sweep"].items() for weight in row)


def _mean(zoos: Sequence[Facts], setting: tuple[str, str]) -> float:
    power, weight = setting
    return float(np.mean([zoo["sweep"][power][weight]["spearman"] for zoo in zoos]))


def _cell(mean: float, bounds: Sequence[float], *, sign: str = "") -> str:
    low, high = bounds
    return f"{mean:{sign}.2f} ({low:{sign}.2f} … {high:{sign}.2f})"


if __name__ == "__main__":
    main()
