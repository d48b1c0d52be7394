"""Colors of all pictures on a light and on a dark page.

Categories: light, Okabe & Ito 2008 ("Color Universal Design") without yellow and black, plus a
violet; dark, the scheme "light" of Tol 2021 ("Color schemes", SRON/EPS/TN/09-002), which is made
to be distinguished by color-blind readers too.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_hex, to_rgb

from service.core.theme import Theme

_MOST_INK = 0.8


@dataclass(frozen=True)
class PlotPalette:
    """Colors by purpose, as ``#rrggbb``.

    Attributes:
        page: Background.
        ink: Text.
        faint: Frames, rules and leader lines.
        missing: What has no value.
        categories: Clusters, and curves of one picture.
        strengths: Lines from weak to strong.
    """

    page: str
    ink: str
    faint: str
    missing: str
    categories: tuple[str, ...]
    strengths: tuple[str, str, str]

    def category(self, index: int) -> str:
        """The color of a category; they repeat after the seventh."""
        return self.categories[index % len(self.categories)]

    def series(self, index: int) -> str:
        """The color of a curve; after the seventh they return mixed with the color of the text."""
        rounds, number = divmod(index, len(self.categories))
        share = rounds / (rounds + 1) * _MOST_INK
        color, ink = to_rgb(self.categories[number]), to_rgb(self.ink)
        red, green, blue = (
            (1 - share) * own + share * dark for own, dark in zip(color, ink, strict=True)
        )
        return to_hex((red, green, blue))


PALETTES: Mapping[Theme, PlotPalette] = {
    Theme.LIGHT: PlotPalette(
        page="#ffffff",
        ink="#222222",
        faint="#8a8a8a",
        missing="#d9d9d9",
        categories=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a4fa3"),
        strengths=("#d0d0d0", "#a8a8a8", "#707070"),
    ),
    Theme.DARK: PlotPalette(
        page="#14181f",
        ink="#e8eaed",
        faint="#7d8590",
        missing="#3a404a",
        categories=("#77aadd", "#ee8866", "#44bb99", "#ffaabb", "#eedd88", "#99ddff", "#aaaa00"),
        strengths=("#2f3640", "#4a525d", "#7b8591"),
    ),
}


@contextmanager
def drawn_with(palette: PlotPalette) -> Iterator[None]:
    """Figures that are made inside have the palette's page, text, axes and rules."""
    colors: dict[Any, Any] = {
        **dict.fromkeys(("figure.facecolor", "savefig.facecolor", "axes.facecolor"), palette.page),
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.labelcolor"), palette.ink
        ),
        **dict.fromkeys(("ytick.labelcolor", "legend.labelcolor"), palette.ink),
        **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), palette.faint),
        "grid.color": palette.missing,
    }
    with mpl.rc_context(colors):
        yield
