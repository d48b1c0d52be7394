"""Whether a student can be what it shall be: its task, its labels, its build, its first weights."""

from collections.abc import Iterator

from service.core.catalog import MethodKind, TrainingTrait, method_named, methods_of
from service.core.catalog.training import StudentArchitecture
from service.core.errors import InvalidRequestError
from service.core.manifest import TaskKind
from service.core.operations.trainings.plans import Given, TrainingPlan, about, invalid_value, some
from service.core.operations.trainings.teachers import classes_of, task_of


def require_student(plan: TrainingPlan) -> None:
    """Let a student pass that these teachers can make. Raises InvalidRequestError."""
    kind = _one_task(plan)
    _require_counts(plan)
    _require_labels(plan)
    if kind is not TaskKind.SEGMENTATION:
        _require_exam(plan)
    _require_build(plan, "student", kind)
    if plan.params.get("component") is not None:
        _require_build(plan, "component", kind)
    _require_start(plan)


def _one_task(plan: TrainingPlan) -> TaskKind:
    """The one kind of task of all teachers, if the method can teach it."""
    kinds = {}
    for place, one in enumerate(plan.teachers):
        with about(f"/inputs/teachers/{place}"):
            kinds[one.id] = task_of(one)
    if len(set(kinds.values())) > 1:
        raise invalid_value(
            "/inputs/teachers",
            "the teachers do different things: "
            + ", ".join(f"{identity} {kind}" for identity, kind in kinds.items()),
            code="teachers_of_different_tasks",
            remedy="choose teachers of one kind of task",
        )
    (kind,) = set(kinds.values())
    if kind is TaskKind.SEGMENTATION and TrainingTrait.WHOLE_IMAGES_ONLY in _traits(plan):
        raise invalid_value(
            "/inputs/teachers",
            f"{plan.method} learns labels of whole images, not of pixels",
            code="task_not_for_method",
            remedy="choose teachers for classification or multi_label, or learn segmentation by"
            " knowledge_distillation or adversarial_distillation",
        )
    return kind


def _require_counts(plan: TrainingPlan) -> None:
    """As many labels as a teacher has outputs."""
    for place, one in enumerate(plan.teachers):
        classes, shape = classes_of(one), one.output_shape
        if classes is not None and shape and len(classes) != shape[0]:
            raise invalid_value(
                f"/inputs/teachers/{place}",
                f"{one.id} names {len(classes)} classes and gives {shape[0]} answers",
                code="class_count_mismatch",
                remedy="upload it again with a class for every answer, in their order",
            )


def _require_labels(plan: TrainingPlan) -> None:
    """Labels that a teacher knows, as many as were promised."""
    student, known = plan.params["student"], plan.known
    unknown = [] if known is None else sorted(set(student["labels"] or ()) - set(known))
    if unknown:
        raise invalid_value(
            "/params/student/labels",
            f"no teacher knows {some(unknown)}",
            code="unknown_labels",
            remedy=f"choose among the teachers' labels: {some(known or [])}",
        )
    count, promised = _count(plan), student["num_classes"]
    if promised is not None and count is not None and promised != count:
        raise invalid_value(
            "/params/student/num_classes",
            f"num_classes is {promised}, but there are {count} labels",
            code="num_classes_mismatch",
            remedy="leave num_classes out, or list as many labels",
        )


def _require_exam(plan: TrainingPlan) -> None:
    """Labels of the exam that the student has, if it has any; those of pixels it never has."""
    exam, wanted = plan.exam, plan.wanted
    if exam is None or not exam.labels or wanted is None or set(exam.labels) & set(wanted):
        return
    raise invalid_value(
        "/inputs/exam",
        f"{exam.id} has none of the student's labels: {some(exam.labels)}",
        code="exam_without_known_labels",
        remedy=f"give an exam labelled with some of: {some(wanted)}",
    )


def _require_build(plan: TrainingPlan, part: str, kind: TaskKind) -> None:
    """A build of ours answers what the task asks; others are asked when they are made."""
    architecture = plan.params[part]["architecture"]
    ours = architecture in list(StudentArchitecture)
    if ours and (architecture == StudentArchitecture.UNET) is not (kind is TaskKind.SEGMENTATION):
        raise _bad_build(
            part,
            f"{architecture} cannot learn {kind}",
            "use unet for teachers that answer pixels, another build for whole images",
        )
    if not ours and _reads_maps(plan):
        raise _bad_build(
            part,
            f"{plan.method} reads maps inside of the student, and {architecture} shows none",
            f"choose one of {', '.join(StudentArchitecture)}",
        )


def _bad_build(part: str, detail: str, remedy: str) -> InvalidRequestError:
    return invalid_value(f"/params/{part}/architecture", detail, code="bad_student", remedy=remedy)


def _traits(plan: TrainingPlan) -> frozenset[TrainingTrait]:
    return method_named(plan.method).traits


def _reads_maps(plan: TrainingPlan) -> bool:
    """Whether the method compares what is inside of the student."""
    if TrainingTrait.READS_STUDENT_MAPS in _traits(plan):
        return True
    return any(plan.params.get(name, 0) > 0 for name in ("feature_weight", "attention_weight"))


def _require_start(plan: TrainingPlan) -> None:
    """First weights of the student's own build, as far as it is known who made them."""
    if plan.start is None:
        return
    unlike = "; ".join(_differences(plan))
    if unlike:
        raise invalid_value(
            "/params/student/init",
            f"{plan.start.id} has another build than the student: {unlike}",
            code="bad_student",
            remedy="choose a student of the zoo with the same architecture, width and labels",
        )


def _differences(plan: TrainingPlan) -> Iterator[str]:
    """In what the network to start from is not what the student will be."""
    assert plan.start is not None
    student, made = plan.params["student"], plan.start.lineage or {}
    told: Given = made.get("params", {}).get("student") or {}
    trainings = {spec.name for spec in methods_of(MethodKind.TRAINING)}
    if made.get("method") in trainings and not told:
        yield f"it was made by {made['method']}"
    ours = student["architecture"] in list(StudentArchitecture)
    for name in ("architecture", "width") if ours else ("architecture",):
        if told and told[name] != student[name]:
            yield f"its {name} is {told[name]}, not {student[name]}"
    answers, outputs = plan.start.output_shape, _outputs(plan)
    if answers and outputs is not None and answers[0] != outputs:
        yield f"it gives {answers[0]} answers, not {outputs}"
    planes = plan.start.manifest["input"]["channels"]
    if all(one.manifest["input"]["channels"] != planes for one in plan.teachers):
        yield f"it takes images of {planes} channels"


def _outputs(plan: TrainingPlan) -> int | None:
    """How many outputs the student learns with; None where that is not known yet."""
    wanted = plan.wanted
    several = TrainingTrait.OUTPUT_PER_TEACHER_OUTPUT in _traits(plan)
    if not several or plan.known is None or wanted is None:
        return _count(plan)
    return sum(label in wanted for one in plan.teachers for label in classes_of(one) or ())


def _count(plan: TrainingPlan) -> int | None:
    """How many labels the student has; an output that nobody named counts as one of its own."""
    if plan.wanted is not None:
        return len(plan.wanted)
    told = {label for one in plan.teachers for label in classes_of(one) or ()}
    shapes = [one.output_shape for one in plan.teachers if classes_of(one) is None]
    return len(told) + sum(shape[0] for shape in shapes if shape) if all(shapes) else None
