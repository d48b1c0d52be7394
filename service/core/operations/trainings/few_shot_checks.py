"""Checks of few-shot jobs before they are queued: base and novel classes, learner and support."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from service.core.catalog import JobInputs, Params
from service.core.catalog.class_regularization import (
    FEWEST_BASE_CLASSES,
    ClassRegularizationParams,
)
from service.core.catalog.few_shot_adaptation import (
    FewShotAdaptationInputs,
    FewShotAdaptationParams,
)
from service.core.counts import counted
from service.core.operations import dataset_labels, owned_rows
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.trainings.plans import TrainingPlan, abbreviated
from service.core.tables import DatasetRecord, ModelRecord


def require_few_shot_classes(
    session: Session, plan: TrainingPlan, params: ClassRegularizationParams
) -> None:
    """Accept at least five base classes, each with the images of an episode, and other novel ones."""
    assert plan.dataset is not None, "this method learns from images"
    with error_pointer("/inputs/dataset_id"):
        dataset_labels.require_one_label_each(plan.dataset)
    labels = _labels(plan)
    _require_no_overlap(plan, labels)
    _require_novel_classes(params, labels)
    base = len(labels) - _novel_count(plan, params, labels)
    if base < FEWEST_BASE_CLASSES:
        raise invalid_value(
            "/inputs/dataset_id",
            f"{base} classes remain to learn from; a few-shot learner needs {FEWEST_BASE_CLASSES}",
            code="too_few_base_classes",
            remedy="use a dataset with more classes, or name fewer novel_classes",
        )
    _require_episodes(params, dataset_labels.class_sizes(session, dataset=plan.dataset))


def _require_episodes(params: ClassRegularizationParams, sizes: Mapping[str, int]) -> None:
    """Accept five classes with the images of an episode; the seed may still hold out some of them."""
    needed = params.shots + params.queries
    base = sorted(set(sizes) - set(params.novel_classes or ()))
    small = [name for name in base if sizes[name] < needed]
    large = len(base) - len(small)
    if large >= FEWEST_BASE_CLASSES:
        return
    have = abbreviated([f"{name} ({sizes[name]})" for name in small])
    raise invalid_value(
        "/inputs/dataset_id",
        f"{large} of {len(base)} classes have the {needed} images of an episode"
        f" ({counted(params.shots, 'shot')} and {counted(params.queries, 'query')}); a few-shot learner needs"
        f" {FEWEST_BASE_CLASSES}. Too small: {have}",
        code="too_few_base_classes",
        remedy="add images to these classes, or lower params.shots and params.queries",
    )


def _labels(plan: TrainingPlan) -> list[str]:
    return (plan.dataset.labels if plan.dataset is not None else None) or []


def _novel_count(plan: TrainingPlan, params: ClassRegularizationParams, labels: list[str]) -> int:
    """How many classes of the dataset only evaluate."""
    if params.novel_classes is not None:
        return len(set(params.novel_classes))
    if plan.eval_dataset is not None:
        return 0
    return max(2, round(params.validation_fraction * len(labels)))


def _require_no_overlap(plan: TrainingPlan, labels: list[str]) -> None:
    """Accept an evaluation set whose classes are all novel."""
    if plan.eval_dataset is None:
        return
    shared = sorted(set(labels) & set(plan.eval_dataset.labels or ()))
    if shared:
        raise invalid_value(
            "/inputs/eval_dataset_id",
            f"{plan.eval_dataset.id} shares the classes {abbreviated(shared)} with the base"
            " classes; a few-shot learner is evaluated on novel ones",
            code="novel_classes_overlap",
            remedy="use an evaluation set of other classes, or omit it and name novel_classes",
        )


def _require_novel_classes(params: ClassRegularizationParams, labels: list[str]) -> None:
    """Accept names of classes that the dataset has."""
    unknown = sorted(set(params.novel_classes or ()) - set(labels))
    if unknown:
        raise invalid_value(
            "/params/novel_classes",
            f"the dataset has no classes {abbreviated(unknown)}",
            code="unknown_labels",
            remedy=f"choose among: {abbreviated(labels)}",
        )


def require_valid_adaptation(
    session: Session, *, project: str, inputs: JobInputs, params: Params
) -> None:
    """Accept the adaptation of a learner to classes that the dataset has, and every other method.

    Raises:
        InvalidRequestError: ``not_a_learner``, ``unknown_labels``, ``several_labels``.
        ConflictError: Learner or dataset are not ready.
    """
    if not isinstance(inputs, FewShotAdaptationInputs):
        return
    assert isinstance(params, FewShotAdaptationParams)
    with error_pointer("/inputs/source_model_id"):
        learner = owned_rows.get_ready(
            session, ModelRecord, project=project, id=inputs.source_model_id
        )
    if not learner.is_few_shot_learner:
        raise invalid_value(
            "/inputs/source_model_id",
            f"{learner.id} is no few-shot learner",
            code="not_a_learner",
            remedy="choose a model that class_regularization made",
        )
    with error_pointer("/inputs/dataset_id"):
        dataset = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=inputs.dataset_id
        )
        dataset_labels.require_one_label_each(dataset)
        dataset_labels.require_frames(dataset)
    _require_labels(dataset, params)


def _require_labels(dataset: DatasetRecord, params: FewShotAdaptationParams) -> None:
    """Accept classes that the dataset has."""
    if not dataset.labels:
        raise invalid_value(
            "/inputs/dataset_id",
            f"{dataset.id} has no labels",
            code="unknown_labels",
            remedy="upload the images in one folder per class",
        )
    unknown = sorted(set(params.classes or ()) - set(dataset.labels))
    if unknown:
        raise invalid_value(
            "/params/classes",
            f"{dataset.id} has no images labeled {abbreviated(unknown)}",
            code="unknown_labels",
            remedy=f"choose among: {abbreviated(dataset.labels)}",
        )
