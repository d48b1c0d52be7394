"""The two variants in which every picture is drawn."""

from enum import StrEnum


class Theme(StrEnum):
    """Whether a picture is drawn on a light or on a dark page; only its colors differ."""

    LIGHT = "light"
    DARK = "dark"
