"""Axes for the plots of results."""

from typing import Any

from zooscope.client.extras import imported


def axes_or_new(axes: Any, *, height: float = 4.0) -> Any:
    """The axes, or those of a new matplotlib figure of this height in inches.

    Raises:
        ZooClientError: ``extra_missing``.
    """
    if axes is not None:
        return axes
    pyplot = imported("matplotlib.pyplot", purpose="plot()")
    _, new_axes = pyplot.subplots(figsize=(7.0, height), layout="constrained")
    return new_axes
