"""docs/results/real_zoo.md: what the acceptance run found, written from its facts alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.real_run.closeness import GroupCloseness, closeness, means_by_kinship

Facts = Mapping[str, Any]
_HEAD = """# The acceptance run: real networks, real images

Written by `python -m benchmarks.real_zoo`; every figure is in [real_zoo.json](real_zoo.json).
{networks} published networks, rebuilt from their descriptions and uploaded over HTTP into a zoo of
their own, were measured on {probes} real images. [Data](data.md) says where both come from.

* Machine: {machine}; {system}; torch {torch}; commit {commit}; seed {seed};
  load average at the end {load}.
* Probes: {counts}. None of the CIFAR-10, MNIST and Fashion-MNIST images were trained on.
* Measured with the defaults: gradient×input of ½‖F‖² at each network's feature layer, signed mean
  over channels, centered cosines as edges, λ = {weight}. Intervals: 90 %, bootstrap over probes.
"""


REMARKS = "## Remarks"


def written(facts: Facts, *, before: str = "") -> str:
    """The page as Markdown; the hand-written remarks at the end of ``before`` stay."""
    remarks = before.partition(f"\n{REMARKS}")[2]
    head = _HEAD.format(
        networks=len(facts["networks"]),
        probes=sum(facts["probes"].values()),
        counts=", ".join(f"{count} {name}" for name, count in facts["probes"].items()),
        seed=facts["seed"],
        weight=facts["edge_weight"],
        **facts["surroundings"],
    )
    parts = [
        head,
        _networks(facts),
        _stages(facts),
        *(_ranking(name, both, facts) for name, both in facts["rankings"].items()),
        _references(facts),
        _together(facts),
        _objects(facts),
    ]
    return "\n".join(parts) + (f"\n{REMARKS}{remarks}" if remarks else "")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _networks(facts: Facts) -> str:
    columns = ["network", "parameters", "input", "task", "group", "form", "published", "measured"]
    rows = [
        [
            network["name"],
            f"{network['parameters']:,}",
            _input(network["input"]),
            network["task"],
            network["group"],
            network["form"] if network["state"] == "ready" else "**rejected**",
            "–" if network["claimed"] is None else f"{network['claimed']:.2f} %",
            _figure(network["measured"]),
        ]
        for network in facts["networks"]
    ]
    return "\n## Networks\n\n" + _table([*columns, "feature layer"], _with_layer(rows, facts))


def _with_layer(rows: Sequence[list[str]], facts: Facts) -> list[list[str]]:
    layers = [network["feature_layer"] or "–" for network in facts["networks"]]
    return [[*row, f"`{layer}`"] for row, layer in zip(rows, layers, strict=True)]


def _input(spec: Facts) -> str:
    kind = "gray" if spec["channels"] == 1 else spec["channel_order"]
    return f"{spec['height']}×{spec['width']} {kind}"


def _figure(measured: Facts | None) -> str:
    if measured is None:
        return "no labels here"
    return f"{measured['figure']:.2f} % {measured['what']} (n = {measured['images']})"


def _stages(facts: Facts) -> str:
    rows = [[name, f"{seconds:.1f}"] for name, seconds in facts["seconds"].items()]
    slow = sorted(facts["measuring"].items(), key=lambda item: -item[1])[:3]
    slowest = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slow)
    median = float(np.median(list(facts["measuring"].values())))
    return (
        "\n## Time\n\n"
        + _table(["stage", "seconds"], rows)
        + f"\nOne measuring job takes {median:.1f} s in the median; the slowest: {slowest}.\n"
        "Two jobs run at once, with one thread each.\n"
    )


def _ranking(name: str, both: Facts, facts: Facts) -> str:
    others = {item["model_id"]: item["rank"] for item in both["attribution"]["items"]}
    groups = {network["name"]: network["group"] for network in facts["networks"]}
    names = _names(facts)
    rows = [
        [
            str(item["rank"]),
            item["name"],
            groups.get(item["name"], "–"),
            f"{item['score']:+.3f}",
            _interval(item["interval"]),
            f"{item['node_similarity']:+.3f}",
            f"{item['edge_similarity']:+.3f}",
            str(others.get(item["model_id"], "–")),
        ]
        for item in both["depara"]["items"]
    ]
    columns = ["rank", "network", "group", "score", "90 % interval", "s_V", "s_E", "by maps alone"]
    unranked = "".join(
        f"\nNot ranked: {names.get(item['model_id'], item['model_id'])}: {item['detail']}"
        f" (`{item['code']}`).\n"
        for item in both["depara"]["unranked"]
    )
    return f"\n## Ranking for {name}\n\n" + _table(columns, rows) + unranked


def _names(facts: Facts) -> dict[str, str]:
    """Names of models by id, as far as some ranking placed them."""
    return {
        item["model_id"]: item["name"]
        for both in facts["rankings"].values()
        for item in both["depara"]["items"]
    }


def _references(facts: Facts) -> str:
    rows = [
        [
            reference["name"],
            f"{100 * reference['accuracy']:.1f} %",
            f"{100 * reference['chance']:.1f} %",
            str(reference["trained_on"]),
            f"{reference['seconds']:.1f}",
        ]
        for reference in facts["references"]
    ]
    columns = ["reference network", "accuracy, held out", "chance", "images", "seconds"]
    return "\n## Reference networks of the labeled sets\n\n" + _table(columns, rows)


def _interval(bounds: Sequence[float] | None) -> str:
    return "–" if bounds is None else f"{bounds[0]:+.3f} … {bounds[1]:+.3f}"


def _together(facts: Facts) -> str:
    rows = []
    for metric, table in facts["maps"].items():
        networks = {network["name"]: network for network in facts["networks"]}
        scores = np.array(table["scores"], dtype=float)
        for kind in ("group", "family"):
            labels = [networks[name][kind] for name in table["names"]]
            rows.append(_closeness_row(metric, kind, closeness(scores, labels)))
    columns = [
        *("metric", "grouped by", "within (pairs)", "between (pairs)", "AUC"),
        *("permutation p", "nearest neighbor is of the same"),
    ]
    return (
        "\n## Which networks group together\n\n"
        "![Task tree](real_zoo_tree.png)\n\n![Similarities](real_zoo_matrix.png)\n\n"
        "![Layout](real_zoo_layout.png)\n\n"
        + _table(columns, rows)
        + "\nTask and architecture separately, mean similarity (pairs):\n\n"
        + _kinship(facts)
    )


def _kinship(facts: Facts) -> str:
    networks = {network["name"]: network for network in facts["networks"]}
    rows = []
    for metric, table in facts["maps"].items():
        tasks, families = ([networks[n][k] for n in table["names"]] for k in ("group", "family"))
        means = means_by_kinship(np.array(table["scores"], dtype=float), tasks, families)
        rows.append([metric, *(f"{mean:+.3f} ({pairs})" for mean, pairs in means.values())])
    columns = [
        *("metric", "same task, same family", "same task, other family"),
        *("other task, same family", "other task, other family"),
    ]
    return _table(columns, rows)


def _closeness_row(metric: str, kind: str, grouping: GroupCloseness) -> list[str]:
    meaning = {
        "group": "same task on the same kind of images",
        "family": "same architecture family",
    }
    return [
        metric,
        meaning[kind],
        f"{grouping.within:+.3f} ({grouping.pairs_within})",
        f"{grouping.between:+.3f} ({grouping.pairs_between})",
        f"{grouping.auc:.2f}",
        f"{grouping.p:.5f}",
        f"{grouping.nearest} of {grouping.with_company}",
    ]


def _objects(facts: Facts) -> str:
    rows = [
        [name, *(f"{ratios[key]:.2f}" for key in _RATIOS)]
        for name, ratios in facts["on_objects"].items()
    ]
    return (
        "\n## Do the maps fall on objects?\n\n"
        "Density ratio: share of a map's absolute mass on the objects over their share of the area;\n"
        "1 is a map that ignores the picture. Streets: poles, signs, cars, pedestrians and\n"
        "bicyclists in 30 CamVid scenes, from their pixel labels. Digits: the strokes of 24 MNIST\n"
        "digits; only saliency is reported there, because gradient×input is zero off the strokes anyway\n"
        "for a network whose black is 0.\n\n"
        + _table(
            ["network", "streets, gradient×input", "streets, saliency", "digits, saliency"], rows
        )
        + "\n![Heat maps](real_zoo_heat_maps_1.png)\n\n![Heat maps](real_zoo_heat_maps_2.png)\n"
    )


_RATIOS = ("streets", "streets_by_saliency", "digits_by_saliency")
