"""The truth, the scores of every metric, and how well each orders the networks, as plain data."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.real_networks import RealNetwork
from benchmarks.real_run.stages import say
from benchmarks.real_transfer import evaluation
from benchmarks.real_transfer.evaluation import Column, Columns
from benchmarks.real_transfer.metrics import (
    Case,
    Scores,
    cases,
    column,
    estimator_scores,
    graph_scores,
)
from benchmarks.real_transfer.passes import PER_CLASS, Passes
from benchmarks.real_transfer.references import reference_graph
from benchmarks.real_transfer.targets import LabeledTarget, split_of
from benchmarks.real_transfer.truth import probe_accuracies
from service.core.catalog.measurement import Estimator
from service.core.operations.rankings.consensus import LABEL_ESTIMATORS

Facts = dict[str, Any]
Networks = Sequence[RealNetwork]


def of(
    passes: Passes, networks: Networks, sets: Sequence[LabeledTarget], *, seeds: int, graphs: int
) -> Facts:
    """Everything that the page shows; the first ``graphs`` splits have graphs."""
    accuracies = [
        [probe_accuracies(passes.outcome(network, target), target) for target in sets]
        for network in networks
    ]
    say("truth: done")
    scores = {
        case: _columns(passes, networks, target, case, graphs=graphs)
        for target in sets
        for case in cases(target, seeds)
    }
    say("scores: done")
    costs = {network.name: asdict(passes.facts(network)) for network in networks}
    return {
        "networks": costs,
        "targets": [_described(target) for target in sets],
        "references": {t.name: _quality(reference_graph(t, passes.cache)) for t in sets if graphs},
        "accuracies": dict(zip(costs, accuracies, strict=True)),
        "scores": [
            {**asdict(case), "scores": {name: _plain(v) for name, v in columns.items()}}
            for case, columns in scores.items()
        ],
    }


def rows(facts: Facts) -> list[Facts]:
    """Every metric's measures in every case."""
    truth = np.array(
        [[np.mean(splits) for splits in by_target] for by_target in facts["accuracies"].values()]
    )
    return [row for case in facts["scores"] for row in _rows(case, facts, truth)]


def _rows(case: Facts, facts: Facts, truth: np.ndarray) -> list[Facts]:
    index = [target["name"] for target in facts["targets"]].index(case["target"])
    own = {name: np.array(v, dtype=np.float64) for name, v in case["scores"].items()}
    own["labels"] = evaluation.combined(own, [name.value for name in LABEL_ESTIMATORS])
    own["static"] = evaluation.static_order(truth, index)
    for name, cost in (("parameters", "parameters"), ("input size", "input_pixels")):
        own[name] = np.array([float(costs[cost]) for costs in facts["networks"].values()])
    if "fused" in own:
        own["labels_and_history"] = evaluation.combined(own, ("labels", "fused"))
    identity = {name: case[name] for name in ("target", "seed", "per_class")}
    held_back = facts["targets"][index]["held_back"]
    measures = {name: evaluation.measured(truth[:, index], guess) for name, guess in own.items()}
    return [
        {**identity, "metric": name, "held_back": held_back, **values}
        for name, values in measures.items()
        if values is not None
    ]


def _columns(
    passes: Passes, networks: Networks, target: LabeledTarget, case: Case, *, graphs: int
) -> Columns:
    """Every metric's scores of all networks."""
    chosen = split_of(target.labels, case.seed).ranking(target.labels, max(PER_CLASS))
    has_graphs = case.seed < graphs
    reference = reference_graph(target, passes.cache) if has_graphs and case.seed == 0 else None
    scored: list[Scores] = []
    for network in networks:
        scores = estimator_scores(passes.outcome(network, target), target, case)
        if has_graphs:
            graph = passes.graph(network, target, case.seed)
            scores |= graph_scores(graph, reference, target.labels[chosen], case.per_class)
        scored.append(scores)
    names = sorted({name for score in scored for name in score})
    return {name: column(scored, name) for name in names}


def with_fused(facts: Facts) -> Facts:
    """The facts with the posterior's means in the first split, given the other targets."""
    truth = np.array(
        [[np.mean(splits) for splits in by_target] for by_target in facts["accuracies"].values()]
    )
    scores = [
        {**case, "scores": {**case["scores"], "fused": _plain(_fused(case, facts, truth))}}
        if case["seed"] == 0
        else case
        for case in facts["scores"]
    ]
    return {**facts, "scores": scores}


def _fused(case: Facts, facts: Facts, truth: np.ndarray) -> Column:
    """The posterior's means, given the other targets' truth and their scores."""
    names = [target["name"] for target in facts["targets"]]
    alike = {
        other["target"]: other["scores"]
        for other in facts["scores"]
        if (other["seed"], other["per_class"]) == (case["seed"], case["per_class"])
    }
    history = {
        name.value: np.array([alike[target][name.value] for target in names], dtype=np.float64).T
        for name in Estimator
    }
    own = {name: np.array(case["scores"][name], dtype=np.float64) for name in history}
    sizes = np.array([costs["parameters"] / 1e6 for costs in facts["networks"].values()])
    return evaluation.fused_order(
        truth,
        names.index(case["target"]),
        scores=own,
        history_scores=history,
        traits={"parameters_million": sizes},
    )


def _described(target: LabeledTarget) -> Facts:
    return {
        "name": target.name,
        "held_back": target.is_held_back,
        "images": len(target.labels),
        "classes": int(target.labels.max()) + 1,
        "side": target.frames.shape[1],
    }


def _quality(reference: Facts) -> Facts:
    return {name: reference[name] for name in ("accuracy", "chance")}


def _plain(values: Column) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
