"""Warns of probes that look unlike the target's images: networks may not show there what they do here."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from service.core.operations import owned_rows
from service.core.tables import DatasetRecord

# Bhattacharyya distance; chosen on pairs of the image sets of benchmarks.real_transfer.
ANOTHER_WORLD = 3.0
_LEAST_DEVIATION = 0.02


def warnings_of(
    session: Session, *, project: str, target_id: str, probe_set_id: str
) -> list[dict[str, str]]:
    """What is doubtful about seeing the networks through these probes: {code, detail, remedy} each."""
    if probe_set_id == target_id:
        return []
    target, probes = (
        owned_rows.get(session, DatasetRecord, project=project, id=dataset_id)
        for dataset_id in (target_id, probe_set_id)
    )
    if target.appearance is None or probes.appearance is None:
        return []
    apart = distance(target.appearance, probes.appearance)
    if apart <= ANOTHER_WORLD:
        return []
    return [
        {
            "code": "probes_of_another_world",
            "detail": f"the images of {probes.name} look unlike those of {target.name} (distance"
            f" {apart:.1f}, {ANOTHER_WORLD:.0f} is much)",
            "remedy": "omit probe_set_id to use the target's own images",
        }
    ]


def distance(left: Mapping[str, Any], right: Mapping[str, Any]) -> float:
    """Bhattacharyya distance of two appearances as Gaussians with independent features, from 0."""
    parts = (left["means"], left["deviations"], right["means"], right["deviations"])
    return sum(_of_feature(*feature) for feature in zip(*parts, strict=True))


def _of_feature(mean: float, deviation: float, other: float, other_deviation: float) -> float:
    own = max(deviation, _LEAST_DEVIATION) ** 2
    others = max(other_deviation, _LEAST_DEVIATION) ** 2
    both = (own + others) / 2
    return (mean - other) ** 2 / (8 * both) + 0.5 * math.log(both / math.sqrt(own * others))
