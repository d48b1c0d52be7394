"""Numbers of things in sentences: the one rule of singular and plural."""

import re

_HISSING = ("s", "x", "ch", "sh")


def counted(number: int, noun: str) -> str:
    """``1 image``, ``2 images``, ``0 classes``: the number with its noun, given in the singular."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of a regular noun, which may be the last of several words."""
    if noun.endswith(_HISSING):
        return f"{noun}es"
    return re.sub(r"(?<![aeiou])y$", "ie", noun) + "s"
