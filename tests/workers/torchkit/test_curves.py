"""The picture of a training names its axes with units and every curve, in both themes."""

import io
from itertools import pairwise

import numpy as np
from matplotlib.text import Text
from PIL import Image

from service.core.theme import Theme
from workers.torchkit.drawing.curves import curve_figure, curve_picture
from workers.torchkit.drawing.palettes import PALETTES

HISTORY = [
    {"step": 10.0, "whole_loss": 2.5, "accuracy": 0.4, "images_per_second": 300.0},
    {"step": 20.0, "whole_loss": 1.5, "accuracy": 0.7},
]


def test_axes_are_named_by_what_they_show() -> None:
    history = [
        {**entry, "task_1_accuracy": 0.5, "agreement": 0.5, "task_1_source_2_share": 0.3}
        for entry in HISTORY
    ]

    figure = curve_figure(history, PALETTES[Theme.LIGHT])

    losses, quality, shares = figure.axes
    assert losses.get_ylabel() == "loss of one batch (no unit)"
    assert quality.get_ylabel() == "accuracy and agreement\non held-out images (0 to 1)"
    assert shares.get_ylabel() == "source share (0 to 1)"
    assert shares.get_xlabel() == "training step (number of batches)"


def test_a_curve_has_its_name_beside_its_end_in_its_own_color() -> None:
    figure = curve_figure(HISTORY, PALETTES[Theme.LIGHT])

    words = [[(text.get_text(), text.get_color()) for text in axes.texts] for axes in figure.axes]
    first = PALETTES[Theme.LIGHT].categories[0]
    assert words == [[("whole loss", first)], [("accuracy", first)]]


def test_every_one_of_many_curves_has_a_color_of_its_own_and_a_name_that_overlaps_none() -> None:
    history = [{"step": float(step), **{f"{n}_loss": 1.0 for n in range(20)}} for step in (1, 2)]

    figure = curve_figure(history, PALETTES[Theme.LIGHT])
    figure.canvas.draw()

    (axes,) = figure.axes
    assert len({line.get_color() for line in axes.get_lines()}) == 20
    # Of the words alone: the extent of an annotation includes its line.
    boxes = sorted((Text.get_window_extent(text) for text in axes.texts), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))


def test_curves_of_equal_values_are_all_visible() -> None:
    history = [
        {"step": float(step), "top1": 0.5, "top5": 0.5, "recall": 0.5} for step in range(0, 60, 10)
    ]

    pixels = np.array(Image.open(io.BytesIO(curve_picture(history))).convert("RGB"))

    # The names, which have every color as well, lie to the right of the axes.
    plotted = pixels[:, : pixels.shape[1] * 3 // 4].reshape(-1, 3)
    for color in PALETTES[Theme.LIGHT].categories[:3]:
        assert (plotted == list(bytes.fromhex(color[1:]))).all(axis=1).sum() > 50


def test_themes_have_the_same_size_and_another_page() -> None:
    light, dark = (
        np.array(Image.open(io.BytesIO(curve_picture(HISTORY, theme))).convert("RGB"))
        for theme in Theme
    )

    assert light.shape == dark.shape
    assert light[0, 0].tolist() == list(bytes.fromhex(PALETTES[Theme.LIGHT].page[1:]))
    assert dark[0, 0].tolist() == list(bytes.fromhex(PALETTES[Theme.DARK].page[1:]))
