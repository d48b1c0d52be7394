"""Checks of the tasks of an adaptive amalgamation: labels that teachers share."""

from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams, TargetTask
from service.core.label_groups import common_labels, linked_groups
from service.core.manifest import TaskKind
from service.core.operations.error_pointers import invalid_value
from service.core.operations.trainings.plans import TrainingPlan, abbreviated
from service.core.operations.trainings.teachers import classes_of, task_of

_FEWEST_LABELS = 2


def require_tasks(plan: TrainingPlan, params: AdaptiveAmalgamationParams) -> None:
    """Accept tasks whose labels all belong to one teacher, as far as teachers name theirs."""
    tasks = _shared_tasks(plan) if params.tasks is None else params.tasks
    labels = params.student.labels
    for index, task in enumerate(tasks):
        pointer = "/params/tasks" if params.tasks is None else f"/params/tasks/{index}/labels"
        _require_task(plan, pointer, task)
    task_labels = sorted(label for task in tasks for label in task.labels)
    if tasks and labels is not None and sorted(labels) != task_labels:
        raise invalid_value(
            "/params/student/labels",
            f"the labels of the tasks are {abbreviated(task_labels)}",
            code="labels_do_not_match_tasks",
            remedy="omit student.labels, or list the labels of all tasks in any order",
        )


def _shared_tasks(plan: TrainingPlan) -> list[TargetTask]:
    """The tasks that the teachers share; none if a teacher does not name its labels."""
    classes = [classes_of(teacher) for teacher in plan.teachers]
    named = [names for names in classes if names is not None]
    if len(named) < len(classes):
        return []
    tasks = []
    for number, group in enumerate(linked_groups(named), start=1):
        labels = common_labels(named, group)
        if not labels:
            linked = ", ".join(plan.teachers[member].id for member in group)
            raise invalid_value(
                "/params/tasks",
                f"{linked} are linked by common labels, but no label is common to all of them",
                code="no_common_labels",
                remedy="list in params.tasks which labels belong together",
            )
        tasks.append(TargetTask(name=f"task {number}", labels=labels))
    return tasks


def _require_task(plan: TrainingPlan, pointer: str, task: TargetTask) -> None:
    classes = [classes_of(teacher) for teacher in plan.teachers]
    if not any(names is None or set(task.labels) <= set(names) for names in classes):
        raise invalid_value(
            pointer,
            f"no teacher has all labels of the task {task.name!r}",
            code="unknown_task",
            remedy="choose labels that one teacher has: "
            + "; ".join(
                f"{teacher.id} has {abbreviated(names or [])}"
                for teacher, names in zip(plan.teachers, classes, strict=True)
            ),
        )
    is_choice = task_of(plan.teachers[0]) is TaskKind.CLASSIFICATION
    if is_choice and len(task.labels) < _FEWEST_LABELS:
        raise invalid_value(
            pointer,
            f"the classification task {task.name!r} has only one label",
            code="too_few_labels",
            remedy="give every task at least two labels",
        )
