"""Pairs whose direction an ancestor of both puts in doubt."""

from collections.abc import Mapping

Descents = Mapping[tuple[str, str], float]
"""The cosine of the weights of each pair of an ancestor and a descendant."""


def possible_siblings(descents: Descents) -> set[tuple[str, str]]:
    """The pairs whose descendant is nearer to an ancestor of both than to the stated ancestor.

    Of two networks trained from a third, the one that was trained longer has the longer weights,
    as a descendant of the other would. A descendant of the other would be nearer to it than to
    the third.
    """
    ancestors: dict[str, dict[str, float]] = {}
    for (ancestor, descendant), cosine in descents.items():
        ancestors.setdefault(descendant, {})[ancestor] = cosine
    return {
        (ancestor, descendant)
        for (ancestor, descendant), cosine in descents.items()
        if any(
            nearness > cosine and third in ancestors.get(ancestor, {})
            for third, nearness in ancestors[descendant].items()
        )
    }
