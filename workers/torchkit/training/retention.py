"""How much of its teachers' quality a student keeps."""

import re
from collections.abc import Mapping

from workers.torchkit.training.measures import MEASURE_NAMES, MEASURES

_MAIN_MEASURES = frozenset(measures[0].name for measures in MEASURES.values())
_REFERENCE = re.compile(
    rf"(?:teacher|merged)_(?:(?P<number>\d+)_)?(?P<measure>{'|'.join(MEASURE_NAMES)})$"
)


def retention(quality: Mapping[str, float]) -> dict[str, float]:
    """The student's measure over each teacher's, and over that of several teachers merged.

    Only where both are known and the denominator is above 0. Shares of a second measure have its
    name at the end.
    """
    shares = {}
    for name, value in quality.items():
        match = _REFERENCE.match(name)
        if match is None or value <= 0:
            continue
        number, measure = match["number"], match["measure"]
        own = f"task_{number}_{measure}" if number else measure
        if own in quality:
            ending = "" if measure in _MAIN_MEASURES else f"_{measure}"
            rank = f"_{number}" if number else ""
            shares[f"retention{rank}{ending}"] = quality[own] / value
    return shares
