"""Groups of networks that are linked by common labels."""

from collections.abc import Sequence
from itertools import chain


def linked_groups(classes: Sequence[Sequence[str]]) -> list[list[int]]:
    """Indices of networks that share labels, directly or through others, group by group."""
    groups: list[list[int]] = []
    for number, names in enumerate(classes):
        linked = [
            group for group in groups if any(set(names) & set(classes[other]) for other in group)
        ]
        unlinked = [group for group in groups if group not in linked]
        groups = [*unlinked, sorted([*chain.from_iterable(linked), number])]
    return sorted(groups)


def common_labels(classes: Sequence[Sequence[str]], group: Sequence[int]) -> tuple[str, ...]:
    """The labels that all networks of a group have, in the order of the first."""
    common = set.intersection(*(set(classes[member]) for member in group))
    return tuple(label for label in classes[group[0]] if label in common)
