"""Which tasks a student gets, and which networks are sources of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from service.core.catalogue.adaptive_amalgamation import TargetTask
from service.core.manifest import TaskKind
from workers.torchkit.teachers import NotTeachableError, Teacher

_FEWEST_TO_CHOOSE = 2


@dataclass(frozen=True)
class Source:
    """A network that knows a task: ``columns`` are its outputs in the order of the labels."""

    teacher: int
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Assignment:
    """A task and all networks that know it."""

    name: str
    labels: tuple[str, ...]
    sources: tuple[Source, ...]


def assignments(
    teachers: Sequence[Teacher], wanted: Sequence[TargetTask] | None
) -> list[Assignment]:
    """The wanted tasks, or those that the teachers share, each with its sources.

    Raises:
        NotTeachableError: No network knows a task, the teachers share none, they do not answer
            one label for each image or several, or a choice among one label is asked for.
    """
    kind = _kind_of(teachers)
    found = [_assigned(teachers, one) for one in wanted or _shared_tasks(teachers)]
    for one in found:
        if kind is TaskKind.CLASSIFICATION and len(one.labels) < _FEWEST_TO_CHOOSE:
            raise NotTeachableError(
                f"the task {one.name!r} is a choice among one label",
                remedy="give every task at least two labels",
            )
    return found


def _kind_of(teachers: Sequence[Teacher]) -> TaskKind:
    kinds = {one.task for one in teachers}
    if len(kinds) > 1 or TaskKind.SEGMENTATION in kinds:
        raise NotTeachableError(
            f"teachers answer {', '.join(sorted(kinds))}",
            remedy="choose teachers that all name one label for an image, or all several",
        )
    return kinds.pop()


def _assigned(teachers: Sequence[Teacher], task: TargetTask) -> Assignment:
    sources = tuple(
        Source(number, tuple(one.classes.index(label) for label in task.labels))
        for number, one in enumerate(teachers)
        if set(task.labels) <= set(one.classes)
    )
    if not sources:
        raise NotTeachableError(
            f"no network knows all labels of the task {task.name!r}; {_known(teachers, task)}",
            remedy="choose labels that one of the networks knows, or further networks",
        )
    return Assignment(task.name, task.labels, sources)


def _known(teachers: Sequence[Teacher], task: TargetTask) -> str:
    """What each network knows, and what it lacks of the task."""
    parts = []
    for one in teachers:
        lacking = [label for label in task.labels if label not in one.classes]
        known = ", ".join(one.classes[:20]) + (", …" if len(one.classes) > 20 else "")  # noqa: PLR2004
        parts.append(f"{one.name} knows {known} (lacks {', '.join(lacking[:5])})")
    return "; ".join(parts)


def _shared_tasks(teachers: Sequence[Teacher]) -> list[TargetTask]:
    """One task of every group of networks that are linked by common labels."""
    tasks = []
    for number, group in enumerate(_groups(teachers), start=1):
        common = set.intersection(*(set(teachers[one].classes) for one in group))
        if not common:
            names = ", ".join(teachers[one].name for one in group)
            raise NotTeachableError(
                f"{names} are linked by common labels, but no label is known to all of them",
                remedy="say in params.tasks which labels belong together",
            )
        labels = tuple(label for label in teachers[group[0]].classes if label in common)
        tasks.append(TargetTask(name=f"task {number}", labels=labels))
    return tasks


def _groups(teachers: Sequence[Teacher]) -> list[list[int]]:
    """Networks that are linked by common labels, directly or through others."""
    groups: list[list[int]] = []
    for number, one in enumerate(teachers):
        linked = [
            group
            for group in groups
            if any(set(one.classes) & set(teachers[other].classes) for other in group)
        ]
        rest = [group for group in groups if group not in linked]
        groups = [*rest, sorted([*chain.from_iterable(linked), number])]
    return sorted(groups)
