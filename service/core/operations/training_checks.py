"""What can be known to be wrong with a training before it is queued."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalogue.training import TRAININGS
from service.core.errors import ConflictError, FieldProblem, InvalidRequestError, ZooError
from service.core.operations.teachers import classes_of, task_of
from service.core.records import DatasetRecord, DatasetState, ModelRecord, ModelState

_SPATIAL = 3
_FEWEST_LABELS = 2
_NAMED_AT_MOST = 10
Given = Mapping[str, Any]


def require_fit(
    session: Session, *, project: str, method: str, inputs: Given, params: Given
) -> None:
    """Let a training pass whose networks and images go together; other methods always pass.

    Raises:
        InvalidRequestError: A network or set is not the project's, or they do not go together.
        ConflictError: One of them is not ready, or the set is too large.
    """
    if method not in TRAININGS:
        return
    teachers = _teachers(session, project, inputs["teachers"])
    data, exam = (_images(session, project, inputs, role) for role in ("data", "exam"))
    student = params.get("student")
    if student is not None:
        _require_one_task(teachers)
        _require_labels(teachers, student)
        _require_exam(teachers, student, exam)
        if student["init"] is not None:
            with _about("/params/student/init"):
                _ready(session, project, ModelRecord, student["init"])
    check = _CHECKS.get(method)
    if check is not None:
        check(teachers, data, params)


def labels_in(classes: Sequence[str], labels: Sequence[str]) -> list[int]:
    """The place of each label among a network's classes; -1 where it does not know it."""
    places = {name: place for place, name in enumerate(classes)}
    return [places.get(label, -1) for label in labels]


def _require_one_task(teachers: Sequence[ModelRecord]) -> None:
    """Teachers of one kind of task, each for its own outputs. Raises InvalidRequestError."""
    kinds = {}
    for place, one in enumerate(teachers):
        with _about(f"/inputs/teachers/{place}"):
            kinds[one.id] = task_of(one)
    if len(set(kinds.values())) > 1:
        raise _misfit(
            "/inputs/teachers",
            "the teachers do different things: "
            + ", ".join(f"{identity} {kind}" for identity, kind in kinds.items()),
            code="teachers_of_different_tasks",
            remedy="choose teachers of one kind of task",
        )


def _require_labels(teachers: Sequence[ModelRecord], student: Given) -> None:
    """Labels that a teacher knows, as many as were promised. Raises InvalidRequestError."""
    known = _known(teachers)
    wanted = student["labels"]
    unknown = [] if wanted is None or known is None else sorted(set(wanted) - set(known))
    if unknown:
        raise _misfit(
            "/params/student/labels",
            f"no teacher knows {_some(unknown)}",
            code="unknown_labels",
            remedy=f"choose among the teachers' labels: {_some(known or [])}",
        )
    outputs = wanted if wanted is not None else known
    promised = student["num_classes"]
    if promised is not None and outputs is not None and promised != len(outputs):
        raise _misfit(
            "/params/student/num_classes",
            f"num_classes is {promised}, but there are {len(outputs)} labels",
            code="num_classes_mismatch",
            remedy="leave num_classes out, or list as many labels",
        )


def _known(teachers: Sequence[ModelRecord]) -> list[str] | None:
    """All labels of the teachers, each once; None where one of them never told its own."""
    told = [classes_of(one) for one in teachers]
    if any(one is None for one in told):
        return None
    return list(dict.fromkeys(name for one in told for name in one or ()))


def _require_exam(
    teachers: Sequence[ModelRecord], student: Given, exam: DatasetRecord | None
) -> None:
    """Labels of the exam that the student has, if it has any. Raises InvalidRequestError."""
    known = student["labels"] or _known(teachers)
    if exam is None or not exam.labels or known is None or set(exam.labels) & set(known):
        return
    raise _misfit(
        "/inputs/exam",
        f"{exam.id} has none of the student's labels: {_some(exam.labels)}",
        code="exam_without_known_labels",
        remedy=f"give an exam labelled with some of: {_some(known)}",
    )


def _some(names: Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    shown = ", ".join(names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown


def _teachers(session: Session, project: str, identities: Sequence[str]) -> list[ModelRecord]:
    """The networks to learn from."""
    found = []
    for place, identity in enumerate(identities):
        with _about(f"/inputs/teachers/{place}"):
            found.append(_ready(session, project, ModelRecord, identity))
    return found


def _images(session: Session, project: str, inputs: Given, role: str) -> DatasetRecord | None:
    """The images, which must be few enough to have canonical frames."""
    if inputs[role] is None:
        return None
    with _about(f"/inputs/{role}"):
        dataset: DatasetRecord = _ready(session, project, DatasetRecord, inputs[role])
        if dataset.canonical_sha256 is None:
            raise ConflictError(
                f"{dataset.id} has too many images to learn from",
                code="dataset_too_large",
                remedy="upload a sample of it as a dataset of its own",
            )
    return dataset


def _ready(session: Session, project: str, kind: Any, identity: str) -> Any:
    """A row of the project that is ready."""
    found = session.get(kind, identity)
    if found is None or found.project != project:
        raise InvalidRequestError(
            f"there is no {identity}",
            code="input_unknown",
            remedy="see GET /v1/models and GET /v1/datasets",
        )
    if found.state not in (ModelState.READY, DatasetState.READY):
        raise ConflictError(
            f"{identity} is {found.state}, not ready",
            code="input_not_ready",
            remedy="wait for its check to end, or read its problems",
        )
    return found


def _misfit(pointer: str, detail: str, *, code: str, remedy: str) -> InvalidRequestError:
    """What is wrong at one place of the request."""
    return InvalidRequestError(
        detail, code=code, remedy=remedy, errors=[FieldProblem(pointer, detail)]
    )


@contextmanager
def _about(pointer: str) -> Iterator[None]:
    """Errors from inside that point nowhere point there."""
    try:
        yield
    except ZooError as error:
        error.errors = error.errors or (FieldProblem(pointer, error.detail),)
        raise


def _distillation(
    teachers: Sequence[ModelRecord], data: DatasetRecord | None, params: Given
) -> None:
    layer = _layer_of(teachers[0], params, "teacher_layer")
    if params["attention_weight"] > 0 and len(layer["shape"]) != _SPATIAL:
        raise _misfit(
            "/params/attention_weight",
            f"layer {layer['name']} has shape {layer['shape']}, which has no rows and columns",
            code="layer_not_spatial",
            remedy="choose a convolutional layer as teacher_layer, or attention_weight 0",
        )
    if params["label_weight"] > 0:
        _require_known_labels(teachers, data)


def _require_known_labels(teachers: Sequence[ModelRecord], data: DatasetRecord | None) -> None:
    labels = (data.labels if data is not None else None) or []
    places = labels_in(_known(teachers) or [], labels)
    unknown = [label for label, place in zip(labels, places, strict=True) if place < 0]
    if unknown or not labels:
        raise _misfit(
            "/params/label_weight",
            "label_weight needs labels that the teachers know; unknown to them: "
            + (_some(unknown) or "none at all"),
            code="unknown_labels",
            remedy="use a set labelled with the teachers' classes, or label_weight 0",
        )


def _chosen_tasks(
    teachers: Sequence[ModelRecord], data: DatasetRecord | None, params: Given
) -> None:
    """Tasks all of whose labels one of the teachers knows; who never told is not asked."""
    del data
    told = [classes_of(one) for one in teachers]
    for place, task in enumerate(params["tasks"] or ()):
        if not any(known is None or set(task["labels"]) <= set(known) for known in told):
            raise _misfit(
                f"/params/tasks/{place}/labels",
                f"no teacher knows all labels of the task {task['name']!r}",
                code="unknown_task",
                remedy="choose labels that one teacher knows: "
                + "; ".join(
                    f"{one.id} knows {_some(known or [])}"
                    for one, known in zip(teachers, told, strict=True)
                ),
            )


def _transfer(teachers: Sequence[ModelRecord], data: DatasetRecord | None, params: Given) -> None:
    _layer_of(teachers[0], params, "layer")
    labels = (data.labels if data is not None else None) or []
    if len(labels) < _FEWEST_LABELS:
        raise _misfit(
            "/inputs/data",
            f"the data has {len(labels)} labels",
            code="target_unlabelled",
            remedy="give a set with images of at least two labels",
        )


def _layer_of(model: ModelRecord, params: Given, knob: str) -> dict[str, Any]:
    """The layer that a parameter names, or the feature layer."""
    name: str | None = params[knob]
    wanted = name or model.feature_layer
    for layer in model.layers:
        if layer["name"] == wanted:
            found: dict[str, Any] = layer
            return found
    if name is None:
        return {"name": "output", "shape": []}
    raise _misfit(
        f"/params/{knob}",
        f"{model.id} has no layer {name!r}",
        code="layer_not_found",
        remedy="choose one of the layers that the model lists",
    )


Check = Callable[[Sequence[ModelRecord], DatasetRecord | None, Given], None]

_CHECKS: dict[str, Check] = {
    "knowledge_distillation": _distillation,
    "adaptive_amalgamation": _chosen_tasks,
    "fine_tune": _transfer,
    "linear_probe": _transfer,
}
