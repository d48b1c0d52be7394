"""How a learning rate moves over a stage: shares of its peak by the progress from 0 to 1."""

import math
from collections.abc import Callable

_WARM_UP = 0.1

Schedule = Callable[[float], float]


def warm_cosine(progress: float) -> float:
    """Share of the peak rate: linear over the first tenth, then a half cosine to 0.

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts.
    """
    if progress < _WARM_UP:
        return max(progress / _WARM_UP, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def cosine(progress: float) -> float:
    """Share of the peak rate: a half cosine from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def drops(*places: float, factor: float = 0.1) -> Schedule:
    """A share of the peak rate that falls by ``factor`` at each of these shares of the stage."""
    return lambda progress: factor ** sum(progress >= place for place in places)
