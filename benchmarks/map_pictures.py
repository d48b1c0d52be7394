"""Synthetic zoos on the map: time, stress, sizes of files; the pictures themselves where asked.

Networks are unit vectors drawn around 8 centers of 64 axes, so that their inner products are
similarities as a map has them; the spread differs between networks. No graph is read: what is
timed is everything that follows from stored similarities. Then three more networks are added and
placed around the others.

    python -m benchmarks.map_pictures [--json FILE] [--pictures FOLDER] [--models 20 200 1000]
                                      [--seed 0] [--spread 0.9] [--linkage single]
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from service.core.catalog.transferability_map import Linkage, TransferabilityMapParams
from service.core.manifest import TaskKind
from workers.methods import transferability_map
from workers.methods.transferability_map import TransferabilityMapData, TransferabilityMapResult
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.all_pairs import Similarities

CENTERS, AXES = 8, 64
FAMILIES = ("resnet", "convnext", "vit_small", "mobilenet", "autoencoder", "unet", "vgg", "swin")
TASKS = (TaskKind.CLASSIFICATION, TaskKind.SEGMENTATION, TaskKind.DEPTH, TaskKind.AUTOENCODING)
FEWEST_PARAMETERS = 10_000
ADDED = 3


def similarities_of(count: int, *, seed: int, spread: float) -> Similarities:
    """Inner products of unit vectors around centers; edges are a second, independent drawing."""
    parts = [_products(count, np.random.default_rng([seed, part]), spread) for part in (0, 1)]
    models = tuple(f"mdl_{number:04d}" for number in range(count))
    valid = torch.full((count, count), 200, dtype=torch.int64)
    return Similarities(models, torch.from_numpy(parts[0]), torch.from_numpy(parts[1]), valid)


def _products(count: int, numbers: np.random.Generator, spread: float) -> Any:
    centers = numbers.normal(size=(CENTERS, AXES))
    own = spread * numbers.uniform(0.5, 1.5, size=(count, 1))
    rows = centers[np.arange(count) % CENTERS] + own * numbers.normal(size=(count, AXES))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def inputs_of(similarities: Similarities, count: int) -> TransferabilityMapData:
    """The first ``count`` networks, none of which has coordinates."""
    names = tuple(f"{FAMILIES[n % CENTERS]}_{n // CENTERS:03d}" for n in range(count))
    part = Similarities(
        similarities.models[:count],
        similarities.node[:count, :count].contiguous(),
        similarities.edge[:count, :count].contiguous(),
        similarities.valid[:count, :count].contiguous(),
    )
    return TransferabilityMapData(
        models=part.models,
        names=names,
        tasks=tuple(TASKS[n % CENTERS % len(TASKS)] for n in range(count)),
        parameters=tuple(FEWEST_PARAMETERS * 3 ** (n // CENTERS % 9) for n in range(count)),
        probes="synthetic zoo",
        graphs=(),
        similarities=part,
        coordinates=(None,) * count,
        left_out=(),
    )


def timed(
    inputs: TransferabilityMapData, params: TransferabilityMapParams
) -> tuple[TransferabilityMapResult, float]:
    """The map, and the processor seconds that it took with all pictures."""
    start = time.process_time()
    result = transferability_map.run(inputs, params, silent)
    return result, time.process_time() - start


def measured(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """What a map of so many networks costs, and what three more do to it."""
    similarities = similarities_of(count + ADDED, seed=options.seed, spread=options.spread)
    params = TransferabilityMapParams(linkage=Linkage(options.linkage))
    first, seconds = timed(inputs_of(similarities, count), params)
    if options.pictures is not None:
        _write(first, options.pictures / f"{count:04d}")
    points = tuple((float(x), float(y)) for x, y in first.layout.points)
    more = replace(inputs_of(similarities, count + ADDED), coordinates=(*points, *(None,) * ADDED))
    added, _ = timed(more, params)
    fresh, _ = timed(inputs_of(similarities, count + ADDED), params)
    return {
        "models": count,
        "seconds": seconds,
        "clusters": len(first.chosen),
        "stress": first.layout.stress,
        "moved": int((added.layout.points[:count] != first.layout.points).sum()),
        "stress_with_three_more": added.layout.stress,
        "stress_of_a_fresh_layout": fresh.layout.stress,
        "bytes": {name: len(data) for name, data in sorted(first.pictures.items())},
    }


def _write(result: TransferabilityMapResult, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in result.pictures.items():
        (folder / name).write_bytes(data)


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as they go into the documentation."""
    lines = [
        "| networks | seconds | clusters found | stress | three more | laid out afresh | SVG, kB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        sizes = ", ".join(
            f"{name.removesuffix('.svg')} {size / 1000:.0f}"
            for name, size in row["bytes"].items()
            if name.endswith("svg")
        )
        lines.append(
            f"| {row['models']} | {row['seconds']:.1f} | {row['clusters']} | {row['stress']:.3f}"
            f" | {row['stress_with_three_more']:.3f} | {row['stress_of_a_fresh_layout']:.3f}"
            f" | {sizes} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write files where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--models", type=int, nargs="+", default=[20, 200, 1000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--spread", type=float, default=0.9)
    parser.add_argument(
        "--linkage", choices=[linkage.value for linkage in Linkage], default="single"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measured(count, options) for count in options.models]
    print(table(rows))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
