"""Checks that refuse a training before it is queued."""

from sqlalchemy.orm import Session

from service.core.catalog import JobInputs, Params
from service.core.catalog.class_regularization import ClassRegularizationParams
from service.core.catalog.dynamic_instance_normalization import (
    DynamicInstanceNormalizationParams,
    LossNetworkAndPictures,
)
from service.core.catalog.training import (
    SourceAndLabels,
    StudentTrainingConfig,
    TeachersAndImages,
    TeachersOnly,
    TrainingConfig,
    TransferTrainingConfig,
)
from service.core.manifest import TaskKind
from service.core.operations import dataset_labels, owned_rows
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.trainings.few_shot_checks import require_few_shot_classes
from service.core.operations.trainings.plans import TrainingPlan, abbreviated
from service.core.operations.trainings.student_checks import require_student
from service.core.operations.trainings.style_checks import require_loss_network
from service.core.operations.trainings.teacher_checks import require_method
from service.core.operations.trainings.teachers import task_of
from service.core.tables import DatasetRecord, LabelKind, ModelRecord

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
    if isinstance(inputs, LossNetworkAndPictures):
        _images(session, project, inputs.style_dataset_id, role="style_dataset_id")
    if isinstance(params, DynamicInstanceNormalizationParams):
        require_loss_network(plan, params)
    if isinstance(params, StudentTrainingConfig):
        require_student(plan)
    require_method(plan)
    if isinstance(params, ClassRegularizationParams):
        require_few_shot_classes(session, plan, params)
    _require_fitting_truth(plan)


def _require_fitting_truth(plan: TrainingPlan) -> None:
    """Accept an evaluation set with one label per image for a student that learns one label.

    Raises:
        InvalidRequestError: ``eval_labels_differ``.
    """
    evaluation, images = plan.eval_dataset, plan.dataset
    has_masks = images is not None and images.label_kind == LabelKind.MASK
    if has_masks and isinstance(plan.params, TransferTrainingConfig):
        raise invalid_value(
            "/inputs/dataset_id",
            f"{plan.method} learns labels of whole images, and these have masks",
            code="target_has_masks",
            remedy="use a dataset with labels of whole images",
        )
    if evaluation is None:
        return
    if evaluation.label_kind == LabelKind.MASK:
        _require_pixels(plan, evaluation)
    if evaluation.label_kind != LabelKind.MULTIPLE:
        return
    if isinstance(plan.params, TransferTrainingConfig):
        learns_several = images is not None and images.label_kind == LabelKind.MULTIPLE
    else:
        learns_several = task_of(plan.teachers[0]) is not TaskKind.CLASSIFICATION
    if not learns_several:
        raise invalid_value(
            "/inputs/eval_dataset_id",
            f"the images of {evaluation.id} have several labels each, and the student learns one",
            code="eval_labels_differ",
            remedy="use an evaluation set with one label per image",
        )


def _require_pixels(plan: TrainingPlan, evaluation: DatasetRecord) -> None:
    """Accept masks for a student that predicts pixels and shares a class with them."""
    transfers = isinstance(plan.params, TransferTrainingConfig)
    if transfers or task_of(plan.teachers[0]) is not TaskKind.SEGMENTATION:
        raise invalid_value(
            "/inputs/eval_dataset_id",
            f"the images of {evaluation.id} have masks, and the student predicts whole images",
            code="eval_labels_differ",
            remedy="use an evaluation set with labels of whole images",
        )
    labels = plan.student_labels
    if labels is not None and not set(labels) & set(evaluation.labels or ()):
        raise invalid_value(
            "/inputs/eval_dataset_id",
            f"the masks of {evaluation.id} have none of the student's labels; they have"
            f" {abbreviated(evaluation.labels or [])}",
            code="eval_labels_unknown",
            remedy=f"name the classes of the masks with the student's: {abbreviated(labels)}",
        )


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
        return dataset_labels.require_frames(dataset)
