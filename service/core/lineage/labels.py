"""Short labels of the nodes of a lineage."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from service.core.lineage.graph import GONE, MEASURES, Kind, Node

_ELLIPSIS = "…"
_WIDTHS = {
    **dict.fromkeys("iljtfrI.,:;'|!()[] /", 0.38),
    **dict.fromkeys("ABCDEFGHKNOPQRSUVXYZ", 0.74),
    **dict.fromkeys("mwMW@%", 0.97),
}

# Control characters, lone surrogates and two noncharacters.
_NOT_IN_XML = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
)


def title(node: Node) -> str:
    """The node's name, or its kind if it has none."""
    return node.name or ("a network" if node.kind is Kind.MODEL else f"a {node.kind}")


def lines(node: Node) -> list[str]:
    """One or two short lines below the title."""
    if node.kind is Kind.JOB:
        return [_joined(node.state, _seed(node.seed), budget(node.budget))]
    if node.kind is Kind.DATASET:
        images = None if node.images is None else f"{node.images:,} images".replace(",", "\u202f")
        return [_joined(images, _unless(node.state, "ready"))]
    about = _joined(node.task, count(node.parameters), _unless(node.state, "ready"))
    measured = quality(node.measured)
    return [about, measured] if measured else [about]


def quality(measured: Mapping[str, float]) -> str:
    """Measured quality, and the smallest and largest retention; empty without measurements."""
    qualities = (
        f"{MEASURES[name]} {_percent(measured[name])}" for name in MEASURES if name in measured
    )
    retentions = [value for name, value in measured.items() if name.startswith("retention")]
    ends = (
        dict.fromkeys(_percent(end) for end in (min(retentions), max(retentions)))
        if retentions
        else {}
    )
    return _joined(next(qualities, None), f"retains {' to '.join(ends)}" if ends else None)


def budget(length: Mapping[str, Any] | None) -> str | None:
    """The budget of a job."""
    for unit, short in (("steps", "steps"), ("seconds", "s")):
        if length and length.get(unit) is not None:
            return f"{length[unit]:g} {short}" if unit == "seconds" else f"{length[unit]} {short}"
    return None


def count(parameters: int | None) -> str | None:
    """A rounded number of parameters: 11.7 M."""
    if parameters is None:
        return None
    value = float(parameters)
    for unit in ("", " k", " M"):
        if value < 1000:  # noqa: PLR2004 - a thousand of a unit is one of the next
            return f"{value:.3g}{unit} parameters"
        value /= 1000
    return f"{value:.3g} G parameters"


def width(text: str, size: float) -> float:
    """The approximate width of a text in a sans-serif font of this size; an upper estimate."""
    return size * sum(_letter(letter) for letter in text)


def fitted(text: str, size: float, room: float) -> str:
    """The text, cut with an ellipsis if it is too wide."""
    if width(text, size) <= room:
        return text
    while text and width(text + _ELLIPSIS, size) > room:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS


def xml_text(text: str) -> str:
    """The text without characters that XML 1.0 cannot represent, not even escaped."""
    return text.translate(_NOT_IN_XML)


def _letter(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    if unicodedata.combining(letter):
        return 0.0
    return _WIDTHS.get(letter, 0.62)


def _joined(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def _unless(state: str, usual: str) -> str | None:
    if state == usual:
        return None
    return "removed" if state == GONE else state


def _seed(seed: int | None) -> str | None:
    return None if seed is None else f"seed {seed}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u202f%"
