"""Learning-rate schedules over a stage: share of the peak rate by progress from 0 to 1."""

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


def drops(*milestones: float, factor: float = 0.1) -> Schedule:
    """A step schedule: the rate is multiplied by ``factor`` at each milestone in [0, 1]."""
    return lambda progress: factor ** sum(progress >= milestone for milestone in milestones)
