"""How far apart image sets look: a target from its own other half, and from every other target."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.real_transfer.targets import LabeledTarget, split_of
from service.core.operations.rankings.appearances import ANOTHER_WORLD, distance
from workers.methods.dataset_ingestion.appearance import features_of

FEW = 5


def looks(sets: Sequence[LabeledTarget]) -> dict[str, Any]:
    """Distances of appearances, and how the warning's threshold divides them.

    The smaller side has five images per class, as a target of few labels has.
    """
    rows = {target.name: _rows(target) for target in sets}
    few = {
        target.name: _appearance(
            rows[target.name][split_of(target.labels, 0).ranking(target.labels, FEW)]
        )
        for target in sets
    }
    rest = {
        target.name: _appearance(rows[target.name][split_of(target.labels, 0).test])
        for target in sets
    }
    own = {name: distance(few[name], rest[name]) for name in few}
    others = {
        f"{name} through {other}": distance(few[name], rest[other])
        for name in few
        for other in rest
        if other != name
    }
    everything = _appearance(torch.cat(list(rows.values())))
    mixed = {name: distance(few[name], everything) for name in few}
    return {"threshold": ANOTHER_WORLD, "own": own, "others": others, "mixed": mixed}


def _rows(target: LabeledTarget) -> torch.Tensor:
    return torch.from_numpy(np.stack([features_of(frame) for frame in target.frames.numpy()]))


def _appearance(rows: torch.Tensor) -> dict[str, Any]:
    return {"means": rows.mean(0).tolist(), "deviations": rows.std(0, correction=0).tolist()}
