"""The labels of a dataset's images, and what a dataset is fit for."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.counts import counted
from service.core.errors import ConflictError, InvalidRequestError
from service.core.tables import DatasetRecord, ImageRecord, LabelKind

_FEWEST_CLASSES = 2


def require_labeled(dataset: DatasetRecord) -> DatasetRecord:
    """The dataset, if each image has one label, of at least two classes.

    Raises:
        InvalidRequestError: ``target_unlabeled``, ``target_multi_label`` or
            ``target_has_masks``.
    """
    if dataset.label_kind == LabelKind.MULTIPLE:
        raise InvalidRequestError(
            f"the images of {dataset.id} have several labels each",
            code="target_multi_label",
            remedy="choose a dataset with one label per image, or train on it with fine_tune",
        )
    if dataset.label_kind == LabelKind.MASK:
        raise InvalidRequestError(
            f"the images of {dataset.id} have masks, and no labels of their own",
            code="target_has_masks",
            remedy="choose a dataset with one label per image, or evaluate segmentations with it",
        )
    if len(dataset.labels or ()) < _FEWEST_CLASSES:
        raise InvalidRequestError(
            f"{dataset.id} has labels of fewer than two classes",
            code="target_unlabeled",
            remedy="upload the images in one folder per class, or choose a metric without labels",
        )
    return dataset


def require_one_label_each(dataset: DatasetRecord) -> None:
    """Accept a dataset with one label per image. Raises InvalidRequestError: ``several_labels``."""
    if dataset.label_kind in (LabelKind.MULTIPLE, LabelKind.MASK):
        raise InvalidRequestError(
            f"the images of {dataset.id} have several labels each, and a support image has one",
            code="several_labels",
            remedy="use a dataset of one label per image, or send images with `support_labels`",
        )


def require_frames(dataset: DatasetRecord) -> DatasetRecord:
    """The dataset, if it is small enough to have canonical frames.

    Raises:
        ConflictError: ``dataset_too_large``.
    """
    if dataset.canonical_sha256 is None:
        raise ConflictError(
            f"{dataset.id} has {counted(dataset.images or 0, 'image')}, too many for a probe set, a target or a"
            " training",
            code="dataset_too_large",
            remedy="upload a sample of it as its own dataset",
        )
    return dataset


def class_sizes(session: Session, *, dataset: DatasetRecord) -> dict[str, int]:
    """The number of images of each class that has any, in a dataset with one label per image."""
    names = dataset.labels or []
    counts = Counter(labels_of(session, dataset=dataset))
    return {name: counts[index] for index, name in enumerate(names) if counts[index]}


def labels_of(session: Session, *, dataset: DatasetRecord) -> Sequence[int | None]:
    """The index of every image's class in the dataset's labels; None for an unlabeled image."""
    query = select(ImageRecord.label).where(ImageRecord.dataset_id == dataset.id)
    return session.scalars(query.order_by(ImageRecord.position)).all()


def label_lists_of(session: Session, *, dataset: DatasetRecord) -> list[list[int]]:
    """The indices of every image's classes in a dataset whose images have several."""
    query = select(ImageRecord.labels).where(ImageRecord.dataset_id == dataset.id)
    return [labels or [] for labels in session.scalars(query.order_by(ImageRecord.position))]
