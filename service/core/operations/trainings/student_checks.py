"""Checks of a requested student: its task, labels, architecture and initial weights."""

from collections.abc import Iterator
from typing import Any

from service.core.catalog import MethodKind, TrainingTrait, method_named, methods_of
from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams
from service.core.catalog.knowledge_distillation import KnowledgeDistillationParams
from service.core.catalog.training import StudentArchitecture
from service.core.counts import counted
from service.core.errors import InvalidRequestError
from service.core.manifest import TaskKind
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.trainings.plans import TrainingPlan, abbreviated
from service.core.operations.trainings.teachers import classes_of, task_of
from service.core.tables import ModelRecord


def require_student(plan: TrainingPlan) -> None:
    """Accept a student that these teachers can train. Raises InvalidRequestError."""
    kind = _shared_task(plan)
    _require_class_counts(plan)
    _require_labels(plan)
    if kind is not TaskKind.SEGMENTATION:
        _require_shared_labels(plan)
    _require_architecture(plan, "student", plan.student.architecture, kind)
    if isinstance(plan.params, AdaptiveAmalgamationParams) and plan.params.component is not None:
        _require_architecture(plan, "component", plan.params.component.architecture, kind)
    _require_start(plan)


def _shared_task(plan: TrainingPlan) -> TaskKind:
    """The one kind of task that all teachers have and the method supports."""
    kinds = {}
    for index, teacher in enumerate(plan.teachers):
        with error_pointer(f"/inputs/teachers/{index}"):
            kinds[teacher.id] = task_of(teacher)
    if len(set(kinds.values())) > 1:
        raise invalid_value(
            "/inputs/teachers",
            "the teachers have different tasks: "
            + ", ".join(f"{model_id} {kind}" for model_id, kind in kinds.items()),
            code="teacher_tasks_differ",
            remedy="choose teachers with the same kind of task",
        )
    (kind,) = set(kinds.values())
    if kind is TaskKind.SEGMENTATION and TrainingTrait.WHOLE_IMAGES_ONLY in _traits(plan):
        raise invalid_value(
            "/inputs/teachers",
            f"{plan.method} learns labels of whole images, not of pixels",
            code="unsupported_task",
            remedy="choose teachers for classification or multi_label, or train a segmentation"
            " model with knowledge_distillation or adversarial_distillation",
        )
    return kind


def _require_class_counts(plan: TrainingPlan) -> None:
    """Accept teachers that name as many classes as they have outputs."""
    for index, teacher in enumerate(plan.teachers):
        classes, shape = classes_of(teacher), teacher.output_shape
        if classes is not None and shape and len(classes) != shape[0]:
            raise invalid_value(
                f"/inputs/teachers/{index}",
                f"{teacher.id} names {counted(len(classes), 'class')} but has {counted(shape[0], 'output')}",
                code="class_count_mismatch",
                remedy="upload it again with one class per output, in the order of the outputs",
            )


def _require_labels(plan: TrainingPlan) -> None:
    """Accept labels that a teacher has, as many as ``num_classes`` says."""
    student, teacher_labels = plan.student, plan.teacher_labels
    unknown = (
        [] if teacher_labels is None else sorted(set(student.labels or ()) - set(teacher_labels))
    )
    if unknown:
        raise invalid_value(
            "/params/student/labels",
            f"no teacher has the labels {abbreviated(unknown)}",
            code="unknown_labels",
            remedy=f"choose among the teachers' labels: {abbreviated(teacher_labels or [])}",
        )
    count = _label_count(plan)
    if student.num_classes is not None and count not in (None, student.num_classes):
        raise invalid_value(
            "/params/student/num_classes",
            f"num_classes is {student.num_classes}, but the number of labels is {count}",
            code="num_classes_mismatch",
            remedy="omit num_classes, or list as many labels",
        )


def _require_shared_labels(plan: TrainingPlan) -> None:
    """Accept an evaluation set that shares a label with the student, or that has no labels."""
    eval_dataset, labels = plan.eval_dataset, plan.student_labels
    if eval_dataset is None or not eval_dataset.labels or labels is None:
        return
    if set(eval_dataset.labels) & set(labels):
        return
    raise invalid_value(
        "/inputs/eval_dataset_id",
        f"{eval_dataset.id} has none of the student's labels; it has"
        f" {abbreviated(eval_dataset.labels)}",
        code="eval_labels_unknown",
        remedy=f"use an evaluation set labeled with some of: {abbreviated(labels)}",
    )


def _require_architecture(
    plan: TrainingPlan, part: str, architecture: str, kind: TaskKind
) -> None:
    """Accept one of our architectures for the tasks it supports; others are checked when built."""
    ours = architecture in list(StudentArchitecture)
    if ours and (architecture == StudentArchitecture.UNET) is not (kind is TaskKind.SEGMENTATION):
        raise _bad_architecture(
            part,
            f"{architecture} cannot learn {kind}",
            "use unet for segmentation teachers, and another architecture for whole images",
        )
    if not ours and _reads_feature_maps(plan):
        raise _bad_architecture(
            part,
            f"{plan.method} reads the student's feature maps, and {architecture} exposes none",
            f"choose one of {', '.join(StudentArchitecture)}",
        )


def _bad_architecture(part: str, detail: str, remedy: str) -> InvalidRequestError:
    return invalid_value(
        f"/params/{part}/architecture", detail, code="invalid_student", remedy=remedy
    )


def _traits(plan: TrainingPlan) -> frozenset[TrainingTrait]:
    return method_named(plan.method).traits


def _reads_feature_maps(plan: TrainingPlan) -> bool:
    """Whether the method compares feature maps of the student."""
    if TrainingTrait.READS_STUDENT_MAPS in _traits(plan):
        return True
    match plan.params:
        case KnowledgeDistillationParams() as params:
            return params.feature_weight > 0 or params.attention_weight > 0
        case AdaptiveAmalgamationParams() as params:
            return params.feature_weight > 0
    return False


def _require_start(plan: TrainingPlan) -> None:
    """Accept initial weights of the student's own architecture, as far as it is recorded."""
    if plan.start is None:
        return
    differences = "; ".join(_differences(plan, plan.start))
    if differences:
        raise invalid_value(
            "/params/student/init",
            f"{plan.start.id} does not have the student's architecture: {differences}",
            code="invalid_student",
            remedy="choose a trained student with the same architecture, width and labels",
        )


def _differences(plan: TrainingPlan, start: ModelRecord) -> Iterator[str]:
    """How the start network differs from the student."""
    student, lineage = plan.student, start.lineage or {}
    recorded: dict[str, Any] = lineage.get("params", {}).get("student") or {}
    trainings = {spec.name for spec in methods_of(MethodKind.TRAINING)}
    if lineage.get("method") in trainings and not recorded:
        yield f"{lineage['method']} trained it"
    ours = student.architecture in list(StudentArchitecture)
    for name in ("architecture", "width") if ours else ("architecture",):
        if recorded and recorded[name] != getattr(student, name):
            yield f"its {name} is {recorded[name]}, not {getattr(student, name)}"
    shape, outputs = start.output_shape, _label_count(plan)
    if shape and outputs is not None and shape[0] != outputs:
        yield f"it has {counted(shape[0], 'output')}, not {outputs}"
    channels = start.manifest["input"]["channels"]
    if all(teacher.manifest["input"]["channels"] != channels for teacher in plan.teachers):
        yield f"it takes images with {channels} channels"


def _label_count(plan: TrainingPlan) -> int | None:
    """How many labels the student has; an output without a name counts as its own label."""
    if plan.student_labels is not None:
        return len(plan.student_labels)
    labels = {label for teacher in plan.teachers for label in classes_of(teacher) or ()}
    shapes = [teacher.output_shape for teacher in plan.teachers if classes_of(teacher) is None]
    return len(labels) + sum(shape[0] for shape in shapes if shape) if all(shapes) else None
