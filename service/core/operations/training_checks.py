"""What can be known to be wrong with a training before it is queued."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from service.core.errors import ConflictError, InvalidRequestError, NotFoundError
from service.core.manifest import TaskKind
from service.core.records import DatasetRecord, DatasetState, ModelRecord, ModelState

_SPATIAL = 3
_FEWEST_LABELS = 2
Given = Mapping[str, Any]


def require_fit(
    session: Session, *, project: str, method: str, inputs: Given, params: Given
) -> None:
    """Let a training pass whose networks and images go together; other methods always pass.

    Raises:
        NotFoundError: A network or set is not the project's.
        ConflictError: One of them is not ready, or the set is too large.
        InvalidRequestError: They do not go together.
    """
    check = _CHECKS.get(method)
    if check is not None:
        check(session, project, inputs, params)


def labels_in(classes: Sequence[str], labels: Sequence[str]) -> list[int]:
    """The place of each label among a network's classes; -1 where it does not know it."""
    places = {name: place for place, name in enumerate(classes)}
    return [places.get(label, -1) for label in labels]


def _distillation(session: Session, project: str, inputs: Given, params: Given) -> None:
    teacher = _ready(session, project, ModelRecord, inputs["teacher_id"])
    dataset = _images(session, project, inputs)
    _require_classifier(teacher)
    layer = _layer_of(teacher, params["teacher_layer"])
    if params["attention_weight"] > 0 and len(layer["shape"]) != _SPATIAL:
        raise InvalidRequestError(
            f"layer {layer['name']} has shape {layer['shape']}, which has no rows and columns",
            code="layer_not_spatial",
            remedy="choose a convolutional layer as teacher_layer, or attention_weight 0",
        )
    if params["label_weight"] > 0:
        _require_known_labels(teacher, dataset)


def _transfer(session: Session, project: str, inputs: Given, params: Given) -> None:
    source = _ready(session, project, ModelRecord, inputs["source_id"])
    dataset = _images(session, project, inputs)
    _layer_of(source, params["layer"])
    if len(dataset.labels or ()) < _FEWEST_LABELS:
        raise InvalidRequestError(
            f"{dataset.id} has {len(dataset.labels or ())} labels",
            code="target_unlabelled",
            remedy="give a set with images of at least two labels",
        )


def _ready(session: Session, project: str, kind: Any, identity: str) -> Any:
    """A row of the project that is ready."""
    found = session.get(kind, identity)
    if found is None or found.project != project:
        raise NotFoundError(f"there is no {identity}", code="input_not_found")
    if found.state not in (ModelState.READY, DatasetState.READY):
        raise ConflictError(
            f"{identity} is {found.state}, not ready",
            code="input_not_ready",
            remedy="wait for its check to end, or read its problems",
        )
    return found


def _images(session: Session, project: str, inputs: Given) -> DatasetRecord:
    """The images, which must be few enough to have canonical frames."""
    dataset: DatasetRecord = _ready(session, project, DatasetRecord, inputs["dataset_id"])
    if dataset.canonical_sha256 is None:
        raise ConflictError(
            f"{dataset.id} has too many images to learn from",
            code="dataset_too_large",
            remedy="upload a sample of it as a dataset of its own",
        )
    return dataset


def _require_classifier(model: ModelRecord) -> None:
    told = model.task_kind == TaskKind.CLASSIFICATION or model.manifest.get("classes") is not None
    if not (told and model.output_kind == "vector"):
        raise InvalidRequestError(
            f"{model.id} is a network for {model.task_kind} whose answer is {model.output_kind}",
            code="teacher_not_a_classifier",
            remedy="choose a teacher that answers with one number for each class",
        )


def _require_known_labels(teacher: ModelRecord, dataset: DatasetRecord) -> None:
    labels = dataset.labels or []
    places = labels_in(teacher.manifest.get("classes") or [], labels)
    unknown = [label for label, place in zip(labels, places, strict=True) if place < 0]
    if unknown or not labels:
        named = ", ".join(unknown[:5]) or "none at all"
        raise InvalidRequestError(
            f"label_weight needs labels that the teacher knows; unknown to it: {named}",
            code="unknown_labels",
            remedy="use a set labelled with the teacher's classes, or label_weight 0",
        )


def _layer_of(model: ModelRecord, name: str | None) -> dict[str, Any]:
    """The layer of this name, or the feature layer."""
    wanted = name or model.feature_layer
    for layer in model.layers:
        if layer["name"] == wanted:
            found: dict[str, Any] = layer
            return found
    if name is None:
        return {"name": "output", "shape": []}
    raise InvalidRequestError(
        f"{model.id} has no layer {name!r}",
        code="layer_not_found",
        remedy="choose one of the layers that the model lists",
    )


_CHECKS: dict[str, Callable[[Session, str, Given, Given], None]] = {
    "knowledge_distillation": _distillation,
    "fine_tune": _transfer,
    "linear_probe": _transfer,
}
