"""What can be known to be wrong with a training before it is queued."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import MethodKind, method_named
from service.core.errors import ConflictError, InvalidRequestError
from service.core.operations.trainings.plans import Given, TrainingPlan, about
from service.core.operations.trainings.student_checks import require_student
from service.core.operations.trainings.teacher_checks import require_method
from service.core.tables import DatasetRecord, DatasetState, ModelRecord, ModelState


def require_fit(
    session: Session, *, project: str, method: str, inputs: Given, params: Given
) -> None:
    """Let a training pass whose networks and images go together; other methods always pass.

    What only the weights can tell is left to the training itself.

    Raises:
        InvalidRequestError: A network or set is not the project's, or they do not go together.
        ConflictError: One of them is not ready, or the set is too large.
    """
    if method_named(method).kind is not MethodKind.TRAINING:
        return
    plan = TrainingPlan(
        method,
        params,
        teachers=_teachers(session, project, inputs["teachers"]),
        data=_images(session, project, inputs, "data"),
        exam=_images(session, project, inputs, "exam"),
        start=_start(session, project, params),
    )
    if "student" in params:
        require_student(plan)
    require_method(plan)


def _teachers(session: Session, project: str, identities: Sequence[str]) -> list[ModelRecord]:
    """The networks to learn from."""
    found = []
    for place, identity in enumerate(identities):
        with about(f"/inputs/teachers/{place}"):
            found.append(_ready(session, project, ModelRecord, identity))
    return found


def _start(session: Session, project: str, params: Given) -> ModelRecord | None:
    """The network that the student starts from."""
    identity = params.get("student", {}).get("init")
    if identity is None:
        return None
    with about("/params/student/init"):
        found: ModelRecord = _ready(session, project, ModelRecord, identity)
    return found


def _images(session: Session, project: str, inputs: Given, role: str) -> DatasetRecord | None:
    """The images, which must be few enough to have canonical frames."""
    if inputs[role] is None:
        return None
    with about(f"/inputs/{role}"):
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
