"""The picture of a training names its axes with units and every curve, in both themes."""

import io

import numpy as np
from PIL import Image

from service.core.theme import Theme
from workers.torchkit.drawing.curves import curve_figure, curve_picture
from workers.torchkit.drawing.palettes import PALETTES

HISTORY = [
    {"step": 10.0, "whole_loss": 2.5, "accuracy": 0.4, "images_per_second": 300.0},
    {"step": 20.0, "whole_loss": 1.5, "accuracy": 0.7},
]


def test_axes_have_units_and_curves_are_in_the_legend() -> None:
    figure = curve_figure(HISTORY, PALETTES[Theme.LIGHT])

    losses, shares = figure.axes
    assert losses.get_ylabel() == "loss of one batch (no unit)"
    assert shares.get_ylabel() == "share of held-out images (0 to 1)"
    assert shares.get_xlabel() == "training step (number of batches)"
    words = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes]
    assert words == [["whole loss"], ["accuracy"]]


def test_many_curves_differ_by_color_and_dash() -> None:
    history = [{"step": float(step), **{f"{n}_loss": 1.0 for n in range(12)}} for step in (1, 2)]

    figure = curve_figure(history, PALETTES[Theme.LIGHT])

    styles = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].get_lines()}
    assert len(styles) == 12


def test_themes_have_the_same_size_and_another_page() -> None:
    light, dark = (
        np.array(Image.open(io.BytesIO(curve_picture(HISTORY, theme))).convert("RGB"))
        for theme in Theme
    )

    assert light.shape == dark.shape
    assert light[0, 0].tolist() == list(bytes.fromhex(PALETTES[Theme.LIGHT].page[1:]))
    assert dark[0, 0].tolist() == list(bytes.fromhex(PALETTES[Theme.DARK].page[1:]))
