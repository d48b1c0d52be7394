"""The picture of the meta shift: descriptors of novel classes before and after, in one plane."""

import io

import torch
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from service.core.theme import Theme
from workers.torchkit.drawing.palettes import PALETTES, PlotPalette, drawn_with

SHIFT_PICTURE = "meta-shift.png"
_MOST_CLASSES = 7

Panel = tuple[str, Float[Tensor, "way draw unit"]]


def shift_picture(panels: list[Panel], theme: Theme = Theme.LIGHT) -> bytes:
    """A PNG with one panel for each kind of descriptors, one color for each class."""
    palette = PALETTES[theme]
    with drawn_with(palette):
        figure = shift_figure(panels, palette)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=120)
    return file.getvalue()


def shift_figure(panels: list[Panel], palette: PlotPalette) -> Figure:
    """Panels side by side, each in the plane of its own principal components, axes to one scale."""
    figure = Figure(figsize=(9, 4.4))
    figure.set_layout_engine("constrained")
    FigureCanvasAgg(figure)
    axes_of_panels = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)
    for axes, (title, descriptors) in zip(axes_of_panels[0], panels, strict=True):
        points = plane(descriptors)
        for number, cloud in enumerate(points[:_MOST_CLASSES]):
            color = palette.category(number)
            axes.scatter(cloud[:, 0], cloud[:, 1], s=12, color=color, label=f"class {number + 1}")
        axes.set_title(title, loc="left", weight="bold")
        axes.set_xlabel("first principal component (no unit)")
        axes.grid(linewidth=0.5)
        axes.set_axisbelow(True)
    axes_of_panels[0, 0].set_ylabel("second principal component (no unit)")
    figure.legend(
        *axes_of_panels[0, 0].get_legend_handles_labels(),
        loc="outside right center",
        frameon=False,
        fontsize="small",
    )
    return figure


def plane(descriptors: Float[Tensor, "way draw unit"]) -> Float[Tensor, "way draw 2"]:
    """Descriptors in the plane of their first two principal components.

    Lengths are relative to the spread of all descriptors, so that panels can be compared.
    """
    rows = descriptors.double().flatten(0, 1)
    centered = rows - rows.mean(dim=0)
    _, _, axes = torch.linalg.svd(centered, full_matrices=False)
    spread = centered.square().sum(dim=1).mean().sqrt().clamp_min(torch.finfo(rows.dtype).tiny)
    points = centered @ axes[:2].T / spread
    if points.shape[1] == 1:
        points = torch.cat([points, torch.zeros_like(points)], dim=1)
    placed: Tensor = points.reshape(*descriptors.shape[:2], 2)
    return placed
