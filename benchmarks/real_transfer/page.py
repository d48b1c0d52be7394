"""The results as a page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.real_transfer import likely
from benchmarks.real_transfer.evaluation import summary

Facts = Mapping[str, Any]
FIRST = ("labels", "labels_and_history", "fused", "static", "parameters", "input size")
GOALS = (
    ("labels", 0.85, 2.0),
    ("labels_and_history", 0.85, 2.0),
    ("label_edges", 0.75, None),
    ("label_edges_flattened", 0.75, None),
)
COMMAND = "OMP_NUM_THREADS=1 nice -n 19 python -m benchmarks.real_transfer --cache FOLDER"


def written(facts: Facts) -> str:
    """Markdown of all tables."""
    host = facts["host"]
    lines = [
        "# Real networks, labeled targets of few images",
        "",
        f"{len(facts['networks'])} published networks, {len(facts['targets'])} labeled targets. The truth is a"
        " linear probe with all training labels, mean of five splits; networks are ranked by 5 or 10 labels"
        f" per class, splits: {facts['options']['seeds']}. `benchmarks/real_transfer/PROTOCOL.md` states what was fixed"
        " beforehand, and which targets no rule was chosen on.",
        "",
        f"`{_command(facts['options'])}`; {host['machine']}; {host['system']}, torch {host['torch']},"
        f" commit {host['commit']}, load {host['load']} at the start.",
        "",
        "Not run: fine-tuning, 50 labels per class, and the networks that the command leaves out.",
        "",
        "## Goals",
        "",
        *_goals(facts["rows"]),
        "",
    ]
    for title, held_back in (("Held-back targets", True), ("Development targets", False)):
        rows = [row for row in facts["rows"] if row["held_back"] is held_back]
        if rows:
            lines += [f"## {title}", "", *_table(rows), ""]
    lines += ["## The choice of `labels`", "", *_choice(facts["choice"]), ""]
    lines += ["## Which networks may be the best", "", *likely.lines(facts["likely"]), ""]
    lines += [
        "## Each target: Spearman / regret in points, 10 labels per class",
        "",
        *_by_target(facts),
    ]
    lines += ["", "## How image sets look", "", *_looks(facts["looks"])]
    lines += ["", "## Targets and reference networks", "", *_targets(facts)]
    lines += ["", "## Accuracy of the linear probe", "", *_truth(facts)]
    return "\n".join(lines) + "\n"


def _command(options: Facts) -> str:
    without = "".join(f" --without {name}" for name in options["without"])
    counts = f"--seeds {options['seeds']} --graphs {options['graphs']}"
    return f"{COMMAND} {counts}{without} --write"


def _goals(rows: Sequence[Facts]) -> list[str]:
    """What was aimed for, and what the held-back, the development and all targets give."""
    lines = [
        "| metric of `auto` or of `depara` for a labeled target | goal: Spearman, regret | held back | development | all targets |",
        "|---|---|---|---|---|",
    ]
    for name, least, most in GOALS:
        cells = []
        for kinds in ((True,), (False,), (True, False)):
            part = [r for r in rows if r["metric"] == name and r["held_back"] in kinds]
            mean = summary(part)
            cells.append(f"{mean['spearman']:.2f}, {mean['regret']:.1f}")
        most_text = "–" if most is None else f"≤ {most:.1f}"
        lines.append(f"| `{name}` | ≥ {least:.2f}, {most_text} | {' | '.join(cells)} |")
    return lines


def _choice(choice: Facts) -> list[str]:
    """Which estimators the rule combines, and what it reaches on targets left out."""
    lines = [
        f"On the development targets the rule takes {_named(choice['chosen'])}; the best set is"
        f" {_named(choice['best'])}. Worth is Spearman minus a hundredth of the regret in points.",
        "",
        "| target left out | set chosen on the others | worth on it |",
        "|---|---|---|",
    ]
    for name, left_out in choice["left_out"].items():
        lines.append(f"| {name} | {', '.join(left_out['set'])} | {left_out['worth']:.2f} |")
    again = choice["again"]
    lines += [
        "",
        "Tried after the held-back targets had been read: chosen anew for every target on all the others, held"
        f" back or not, the rule's sets are worth {again['chosen']:.3f} on the target left out; the set in use is"
        f" worth {again['in_use']:.3f} on the same targets, so it stays.",
    ]
    return lines


def _named(entry: Facts) -> str:
    return f"{', '.join(f'`{name}`' for name in entry['set'])} (worth {entry['worth']:.3f})"


def _looks(looks: Facts) -> list[str]:
    """How the threshold of the warning divides distances of appearances."""
    others = sorted(looks["others"].items(), key=lambda entry: entry[1])
    near = [f"{name} ({apart:.1f})" for name, apart in others if apart <= looks["threshold"]]
    return [
        "Distance of the appearance of five images per class from that of other images; a ranking through"
        f" probes at more than {looks['threshold']} warns of them.",
        "",
        f"* The same target's test images: {_range(looks['own'])}.",
        f"* Another target's images: {_range(looks['others'])}; {len(near)} of {len(others)} pairs stay below:"
        f" {', '.join(near) or 'none'}.",
        f"* All targets mixed: {_range(looks['mixed'])}.",
    ]


def _range(distances: Mapping[str, float]) -> str:
    values = list(distances.values())
    return f"{min(values):.1f} to {max(values):.1f}, median {np.median(values):.1f}"


def _metrics(rows: Sequence[Facts]) -> list[str]:
    names = {row["metric"] for row in rows}
    first = [name for name in FIRST if name in names]
    others = names - set(first)
    means = {
        name: summary([r for r in rows if r["metric"] == name])["spearman"] for name in others
    }
    return [*first, *sorted(others, key=lambda name: -means[name])]


def _table(rows: Sequence[Facts]) -> list[str]:
    """Means over targets, for both numbers of labels."""
    lines = [
        "| metric | Spearman, 5 labels | regret | Spearman, 10 labels | regret | weighted τ, 10 |",
        "|---|---|---|---|---|---|",
    ]
    for name in _metrics(rows):
        means = [
            summary([r for r in rows if r["metric"] == name and r["per_class"] == count])
            for count in (5, 10)
            if any(r["metric"] == name and r["per_class"] == count for r in rows)
        ]
        cells = [f"{m['spearman']:.2f} | {m['regret']:.1f}" for m in means]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {means[-1]['weighted_tau']:.2f} |")
    return lines


def _by_target(facts: Facts) -> list[str]:
    names = [target["name"] for target in facts["targets"]]
    rows = [
        row
        for row in facts["rows"]
        if row["per_class"] == max(r["per_class"] for r in facts["rows"])
    ]
    lines = [f"| metric | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for metric in _metrics(rows):
        cells = []
        for name in names:
            part = [row for row in rows if row["metric"] == metric and row["target"] == name]
            means = (
                [np.mean([row[key] for row in part]) for key in ("spearman", "regret")]
                if part
                else []
            )
            cells.append(f"{means[0]:.2f} / {means[1]:.1f}" if means else "–")
        lines.append(f"| `{metric}` | {' | '.join(cells)} |")
    return lines


def _targets(facts: Facts) -> list[str]:
    lines = [
        "| target | images | classes | side | reference network, held-out accuracy | chance |",
        "|---|---|---|---|---|---|",
    ]
    for target in facts["targets"]:
        reference = facts["references"].get(target["name"])
        if reference is None:
            lines.append(
                f"| {target['name']} | {target['images']} | {target['classes']} | {target['side']} | – | – |"
            )
            continue
        lines.append(
            f"| {target['name']} | {target['images']} | {target['classes']} | {target['side']} |"
            f" {reference['accuracy']:.2f} | {reference['chance']:.2f} |"
        )
    return lines


def _truth(facts: Facts) -> list[str]:
    names = [target["name"] for target in facts["targets"]]
    lines = [
        f"| network | million parameters | million operations | {' | '.join(names)} |",
        f"|---|---|---|{'---|' * len(names)}",
    ]
    for network, costs in facts["networks"].items():
        means = [float(np.mean(splits)) for splits in facts["accuracies"][network]]
        lines.append(
            f"| {network} | {costs['parameters'] / 1e6:.2f} | {costs['flops'] / 1e6:.0f} |"
            f" {' | '.join(f'{100 * mean:.1f}' for mean in means)} |"
        )
    return lines
