"""What a map is made of: the networks to place, and those that have no position.

Axes: ``model`` one network, ``bucket`` one number of a sketch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from service.core.manifest import TaskKind
from workers.torchkit.similarity.all_pairs import Similarities
from workers.torchkit.similarity.graphs import GraphSource


@dataclass(frozen=True)
class LeftOut:
    """A network without a position in the map, and the status of its measurement."""

    model_id: str
    status: str


@dataclass(frozen=True)
class TransferabilityMapData:
    """The networks to place.

    Attributes:
        tasks: Kind of task of each network.
        parameters: How many each network has; None where nobody counted them.
        probes: Name of the probe set, for the titles.
        graphs: Usable graphs, in the order of ``models``, read lazily from files. Empty
            if ``similarities`` is set.
        similarities: Similarities of exactly these networks from an earlier map.
        sketches: Rows in the order of ``models``, which then stand for the graphs; None compares graphs.
        coordinates: Coordinates in the map to extend; None for a new network.
        left_out: Measured networks that cannot be compared.
    """

    models: tuple[str, ...]
    names: tuple[str, ...]
    tasks: tuple[TaskKind, ...]
    parameters: tuple[int | None, ...]
    probes: str
    graphs: Sequence[GraphSource]
    similarities: Similarities | None
    coordinates: tuple[tuple[float, float] | None, ...]
    left_out: tuple[LeftOut, ...]
    sketches: Float32[np.ndarray, "model bucket"] | None = None
