"""What somebody who wrote an unknown name may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST_NAME = 100
_MOST_NAMES = 20
_CUTOFF = 0.7


def close_names(name: str, names: Iterable[str], *, most: int = 3) -> list[str]:
    """Up to ``most`` of ``names`` that look like ``name``, the closest first."""
    if len(name) > _LONGEST_NAME:
        return []
    # Capitals and the choice of - or _ are the commonest slips, and count as none.
    by_folded = {_folded(candidate): candidate for candidate in names}
    matches = get_close_matches(_folded(name), by_folded, n=most, cutoff=_CUTOFF)
    return [by_folded[match] for match in matches]


def suggestion(name: str, names: Iterable[str], *, kind: str) -> str:
    """``did you mean `task`?``; without a similar name, all names, of the ``kind`` that they are."""
    choices = list(names)
    close = close_names(name, choices)
    if close:
        return f"did you mean {' or '.join(f'`{match}`' for match in close)}?"
    listed = ", ".join(choices[:_MOST_NAMES])
    rest = len(choices) - _MOST_NAMES
    more = f" and {rest} more" if rest > 0 else ""
    return f"the {kind} are {listed}{more}" if choices else f"there are no {kind}"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``; did you mean a or b?`` for names that look like ``name``; empty without any."""
    close = close_names(name, names)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")
