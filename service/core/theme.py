"""The two themes of every picture."""

from enum import StrEnum


class Theme(StrEnum):
    """The light or the dark theme; only colors differ."""

    LIGHT = "light"
    DARK = "dark"
