"""Checks that refuse a training before it is queued."""

from sqlalchemy.orm import Session

from service.core.catalog import JobInputs, Params
from service.core.catalog.training import (
    SourceAndLabels,
    StudentTrainingConfig,
    TeachersAndImages,
    TeachersOnly,
    TrainingConfig,
)
from service.core.errors import ConflictError
from service.core.operations import owned_rows
from service.core.operations.error_pointers import error_pointer
from service.core.operations.trainings.plans import TrainingPlan
from service.core.operations.trainings.student_checks import require_student
from service.core.operations.trainings.teacher_checks import require_method
from service.core.tables import DatasetRecord, ModelRecord

TrainingInputs = TeachersAndImages | TeachersOnly | SourceAndLabels


def require_valid_training(
    session: Session, *, project: str, method: str, inputs: JobInputs, params: Params
) -> None:
    """Accept a training whose networks and images fit together, and every other method.

    The training itself checks what only the weights can show.

    Args:
        inputs: Validated inputs of the job.
        params: Validated parameters of the job.

    Raises:
        InvalidRequestError: The project lacks a network or dataset, or they do not fit together.
        ConflictError: One of them is not ready, or the dataset is too large.
    """
    if not (isinstance(inputs, TrainingInputs) and isinstance(params, TrainingConfig)):
        return
    plan = TrainingPlan(
        method,
        params,
        teachers=_teachers(session, project, inputs),
        dataset=_images(session, project, inputs.dataset_id, role="dataset_id"),
        eval_dataset=_images(session, project, inputs.eval_dataset_id, role="eval_dataset_id"),
        start=_start(session, project, params),
    )
    if isinstance(params, StudentTrainingConfig):
        require_student(plan)
    require_method(plan)


def _teachers(session: Session, project: str, inputs: TrainingInputs) -> list[ModelRecord]:
    """The networks to learn from: the teachers, or the one source."""
    if isinstance(inputs, SourceAndLabels):
        named = {"source_model_id": inputs.source_model_id}
    else:
        named = {f"teachers/{index}": model_id for index, model_id in enumerate(inputs.teachers)}
    teachers = []
    for pointer, model_id in named.items():
        with error_pointer(f"/inputs/{pointer}"):
            teachers.append(
                owned_rows.get_ready(session, ModelRecord, project=project, id=model_id)
            )
    return teachers


def _start(session: Session, project: str, params: TrainingConfig) -> ModelRecord | None:
    """The network that the student starts from."""
    if not isinstance(params, StudentTrainingConfig) or params.student.init is None:
        return None
    with error_pointer("/params/student/init"):
        return owned_rows.get_ready(session, ModelRecord, project=project, id=params.student.init)


def _images(
    session: Session, project: str, dataset_id: str | None, *, role: str
) -> DatasetRecord | None:
    """The images, which must be few enough to have canonical frames."""
    if dataset_id is None:
        return None
    with error_pointer(f"/inputs/{role}"):
        dataset = owned_rows.get_ready(session, DatasetRecord, project=project, id=dataset_id)
        if dataset.canonical_sha256 is None:
            raise ConflictError(
                f"{dataset.id} has too many images to train on",
                code="dataset_too_large",
                remedy="upload a sample of it as its own dataset",
            )
    return dataset
