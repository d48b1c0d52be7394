"""Assignment of tasks to a student and of source networks to each task."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.core.catalog.adaptive_amalgamation import TargetTask
from service.core.label_groups import common_labels, linked_groups
from service.core.manifest import TaskKind
from workers.torchkit.training.teachers import NotTeachableError, Teacher

_FEWEST_TO_CHOOSE = 2
_MOST_LISTED = 20


@dataclass(frozen=True)
class Source:
    """A source of a task: ``columns`` are its outputs in the order of the task's labels."""

    teacher: int
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Assignment:
    """A task with all of its sources."""

    name: str
    labels: tuple[str, ...]
    sources: tuple[Source, ...]


def assignments(
    teachers: Sequence[Teacher], requested: Sequence[TargetTask] | None
) -> list[Assignment]:
    """The requested tasks, or by default those that the teachers share, each with its sources.

    Raises:
        NotTeachableError: No network has all labels of a task, the teachers share no task, they
            are not all single-label or all multi-label, or a single-label task has one label.
    """
    kind = _kind_of(teachers)
    assigned = [_assigned(teachers, task) for task in requested or _shared_tasks(teachers)]
    for task in assigned:
        if kind is TaskKind.CLASSIFICATION and len(task.labels) < _FEWEST_TO_CHOOSE:
            raise NotTeachableError(
                f"the task {task.name!r} has only one label to choose from",
                remedy="list at least two labels for every task",
            )
    return assigned


def _kind_of(teachers: Sequence[Teacher]) -> TaskKind:
    kinds = {teacher.task for teacher in teachers}
    if len(kinds) > 1 or TaskKind.SEGMENTATION in kinds:
        raise NotTeachableError(
            f"the teachers have different or unsupported tasks: {', '.join(sorted(kinds))}",
            remedy="choose teachers that are all single-label or all multi-label classifiers",
        )
    return kinds.pop()


def _assigned(teachers: Sequence[Teacher], task: TargetTask) -> Assignment:
    sources = tuple(
        Source(number, tuple(teacher.classes.index(label) for label in task.labels))
        for number, teacher in enumerate(teachers)
        if set(task.labels) <= set(teacher.classes)
    )
    if not sources:
        raise NotTeachableError(
            f"no network has all labels of the task {task.name!r}; {_describe_labels(teachers, task)}",
            remedy="choose labels that one of the networks has, or add networks",
        )
    return Assignment(task.name, task.labels, sources)


def _describe_labels(teachers: Sequence[Teacher], task: TargetTask) -> str:
    """The labels of each network, and those of the task that it lacks."""
    parts = []
    for teacher in teachers:
        missing = [label for label in task.labels if label not in teacher.classes]
        ellipsis = ", …" if len(teacher.classes) > _MOST_LISTED else ""
        listed_labels = ", ".join(teacher.classes[:_MOST_LISTED]) + ellipsis
        parts.append(f"{teacher.name} has {listed_labels} (lacks {', '.join(missing[:5])})")
    return "; ".join(parts)


def _shared_tasks(teachers: Sequence[Teacher]) -> list[TargetTask]:
    """One task of every group of networks that are linked by common labels."""
    classes = [teacher.classes for teacher in teachers]
    tasks = []
    for number, group in enumerate(linked_groups(classes), start=1):
        labels = common_labels(classes, group)
        if not labels:
            names = ", ".join(teachers[member].name for member in group)
            raise NotTeachableError(
                f"{names} are linked by common labels, but no label is common to all of them",
                remedy="list in params.tasks which labels belong together",
            )
        tasks.append(TargetTask(name=f"task {number}", labels=labels))
    return tasks
