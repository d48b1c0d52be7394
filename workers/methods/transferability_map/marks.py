"""How large the mark of a network is: the number of its parameters on a logarithmic scale."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from workers.methods.transferability_map.drawing import MapDrawing

_SMALLEST, _LARGEST = 1.0, 2.2
# Few different sizes keep a vector file small.
_STEP = 0.5


def diameters(drawing: MapDrawing) -> Float64[np.ndarray, " model"]:
    """Diameters of all marks in points; the smallest where the number is not known."""
    counted = [count for count in drawing.parameters if count]
    return np.array(
        [diameter(count, counted, drawing.count) for count in drawing.parameters], dtype=np.float64
    )


def diameter(parameters: int | None, counted: Sequence[int], networks: int) -> float:
    """Diameter of a mark in points.

    Args:
        parameters: Of the network.
        counted: Parameters of all networks of the map, where they are known.
        networks: How many there are: marks of many networks are smaller.
    """
    share = 0.0
    if parameters and max(counted) > min(counted):
        low, high = math.log(min(counted)), math.log(max(counted))
        share = (math.log(parameters) - low) / (high - low)
    times = _SMALLEST + (_LARGEST - _SMALLEST) * share
    return _STEP * round(times * smallest_diameter(networks) / _STEP)


def smallest_diameter(networks: int) -> float:
    """Diameter of the smallest mark in points."""
    return float(np.interp(networks, (20, 200, 1000), (6.5, 6.0, 4.0)))


def example_sizes(counted: Sequence[int]) -> list[int]:
    """The least and the greatest number of parameters, and their geometric mean between them."""
    if not counted:
        return []
    low, high = min(counted), max(counted)
    return sorted({low, round(math.sqrt(low) * math.sqrt(high)), high})


def in_words(parameters: int) -> str:
    """A number of parameters the way people say it: 11.7 M."""
    value = float(parameters)
    for unit in ("", " k", " M"):
        if value < 999.5:  # noqa: PLR2004 - what would be rounded to a thousand is one of the next
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g} G"
