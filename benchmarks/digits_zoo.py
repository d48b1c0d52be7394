"""Does DEPARA foresee transfer on a small zoo, and which of its halves does?

The demo's twelve networks (scikit-learn's digits and photographs; whole task, half of the classes,
parity, rotation, autoencoding, denoising, four architectures, one untrained) are measured against
a reference network that was trained on digits 5 to 9. Truth is the mean test accuracy of linear
heads on the frozen features of each network, three labels per digit. Only the reference network
and what is measured with it depend on a seed; it is redrawn several times.

Probes are digits of all ten kinds that no network has seen. Reported: Spearman's correlation of
score and truth over the networks, regret of the first recommendation, hits among the best three.

    python -m benchmarks.digits_zoo [--json FILE] [--seeds 5] [--threads 2]
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import Centering, Spectrum, Target
from service.core.catalog.reference_network import ReferenceNetworkParams
from service.core.manifest import InputSpec
from workers.methods import depara, reference_network
from workers.tools.demo_zoo.images import TARGET_DIGITS, digits
from workers.tools.demo_zoo.tasks import TASKS
from workers.tools.demo_zoo.training import trained
from workers.tools.demo_zoo.transfer import transfer_accuracy
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.module_reader import ModuleReader
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.graphs import DeparaGraph
from workers.torchkit.similarity.similarity import compare

SETTINGS = {
    "gradient × input, ½‖F‖², centered (default)": DeparaParams(),
    "raw features": DeparaParams(centering=Centering.RAW),
    "sum target": DeparaParams(target=Target.SUM),
    "flattened edges": DeparaParams(spectrum=Spectrum.FLATTENED),
}
SCORES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "nodes only (λ = 0)": lambda node, _edge: node,
    "DEPARA, λ = 0.25": lambda node, edge: node + 0.25 * edge,
    "DEPARA, λ = 1": lambda node, edge: node + edge,
    "DEPARA, λ = 4": lambda node, edge: node + 4 * edge,
    "edges only": lambda _node, edge: edge,
}
BEST = 3


def frames_of(pictures: Tensor) -> Tensor:
    """Canonical frames (n, side, side, 3) of pictures (n, 3, side, side) in [0, 1]."""
    return (pictures.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).contiguous()


def graph_of(
    network: torch.nn.Module, layer: str, *, spec: InputSpec, params: DeparaParams
) -> DeparaGraph:
    """The network's graph on the demo's probes."""
    shape = (spec.channels, spec.height, spec.width)
    reader = ModuleReader(network, layer, input_shape=shape)
    probes = frames_of(digits().probes.frames)
    inputs = depara.DeparaData(layer, "digits", reader, Preprocessing.of(spec), probes)
    return depara.run(inputs, params, silent).graph


def reference(seed: int) -> reference_network.ReferenceNetworkResult:
    """A small network that learned the target."""
    labeled = digits().labeled
    inputs = reference_network.ReferenceNetworkData(
        "target",
        frames_of(labeled.frames),
        labeled.labels - min(TARGET_DIGITS),
        tuple(str(digit) for digit in TARGET_DIGITS),
    )
    params = ReferenceNetworkParams(width=16, steps=120, batch_size=32, seed=seed)
    return reference_network.run(inputs, params, silent)


def judged(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Correlation, regret in points of accuracy, and hits among the best three."""
    order, best = np.argsort(-scores, kind="stable"), np.argsort(-truth, kind="stable")
    return {
        "spearman": float(spearmanr(scores, truth).statistic),
        "regret": float(100 * (truth.max() - truth[order[0]])),
        "hits": len(set(order[:BEST].tolist()) & set(best[:BEST].tolist())),
    }


def by_chance(truth: np.ndarray, draws: int = 5000) -> dict[str, float]:
    """The same for random scores, on average."""
    rng = np.random.default_rng(0)
    rows = [judged(rng.random(len(truth)), truth) for _ in range(draws)]
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def summary(rows: list[dict[str, float]]) -> dict[str, float]:
    """Means over seeds, and the range of the correlation."""
    means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    correlations = [row["spearman"] for row in rows]
    return means | {"lowest": min(correlations), "highest": max(correlations)}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train, measure, compare."""
    torch.set_num_threads(options.threads)
    began = time.perf_counter()
    networks = [trained(task).network for task in TASKS]
    truth = np.array(
        [
            transfer_accuracy(network.encoder, task.input, digits())
            for network, task in zip(networks, TASKS, strict=True)
        ]
    )
    targets = [reference(seed) for seed in range(options.seeds)]
    results: dict[str, Any] = {"random": by_chance(truth)}
    detail: dict[str, Any] = {}
    for setting, params in SETTINGS.items():
        parts = _parts(networks, targets, params)
        detail[setting] = parts.mean(axis=0).tolist()
        for name, score in SCORES.items():
            rows = [judged(score(*each), truth) for each in parts]
            results[f"{name}; {setting}"] = summary(rows)
    return {
        "truth": {task.name: float(value) for task, value in zip(TASKS, truth, strict=True)},
        "reference_accuracy": [target.accuracy for target in targets],
        "results": results,
        "mean_parts": detail,
        "seconds": time.perf_counter() - began,
    }


def _parts(
    networks: list[Any],
    targets: list[reference_network.ReferenceNetworkResult],
    params: DeparaParams,
) -> np.ndarray:
    """(seed, part, network): node and edge similarity to every reference network."""
    graphs = [
        graph_of(network, "encoder", spec=task.input, params=params)
        for network, task in zip(networks, TASKS, strict=True)
    ]
    parts = []
    for target in targets:
        own = graph_of(target.network, "pool", spec=target.manifest.input, params=params)
        pairs = [compare(own, graph, min_valid=0.5) for graph in graphs]
        parts.append([[p.node_similarity for p in pairs], [p.edge_similarity for p in pairs]])
    return np.array(parts, dtype=np.float64)


def table(facts: dict[str, Any]) -> str:
    """The result as it goes into the documentation."""
    lines = [
        "| score | Spearman, mean (range) | regret, points | hits of 3 |",
        "|---|---|---|---|",
    ]
    for name, row in facts["results"].items():
        span = f" ({row['lowest']:.2f} … {row['highest']:.2f})" if "lowest" in row else ""
        lines.append(
            f"| {name} | {row['spearman']:.2f}{span} | {row['regret']:.1f} | {row['hits']:.1f} |"
        )
    ranked = sorted(facts["truth"].items(), key=lambda item: -item[1])
    lines += ["", "truth: " + ", ".join(f"{name} {value:.3f}" for name, value in ranked)]
    lines.append(f"{facts['seconds']:.0f} s")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    facts = run(options)
    print(table(facts))
    if options.json is not None:
        options.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
