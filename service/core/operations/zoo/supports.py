"""The support of a few-shot prediction: labeled images of a request, or of a stored dataset."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.blobs import VerifiedStore
from service.core.counts import counted
from service.core.errors import InvalidRequestError
from service.core.operations import names, owned_rows
from service.core.operations.dataset_labels import require_one_label_each
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.zoo.datasets import ImageLocation
from service.core.predict_messages import (
    MOST_SUPPORT_CLASSES,
    MOST_SUPPORT_IMAGES,
    Support,
)
from service.core.tables import DatasetRecord, ImageRecord, ModelRecord

_LONGEST_LABEL = 200
_TWO_WAYS = (
    "send files as `support` with one of `support_labels` for each, or name a labeled"
    " `support_dataset`"
)


@dataclass(frozen=True)
class SupportOptions:
    """The support that a request names; all empty for a network that needs none.

    Attributes:
        images: Encoded image files.
        labels: Label of each image.
        dataset_id: The id or name of a labeled dataset to draw from instead.
        classes: Labels of the dataset to use; empty for all.
        shots: Images of each class to draw from the dataset; None for all.
        seed: Seed of that draw.
        prior: Number of images that the class domain counts as; None for the learned one.
    """

    images: Sequence[bytes] = ()
    labels: Sequence[str] = ()
    dataset_id: str | None = None
    classes: Sequence[str] = ()
    shots: int | None = None
    seed: int = 0
    prior: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the request names no support at all."""
        return not self.images and not self.labels and self.dataset_id is None


@dataclass(frozen=True)
class LabeledSupport:
    """The chosen images in order, not all of them read yet, with their labels."""

    images: Sequence[bytes | ImageLocation]
    labels: Sequence[str]

    @property
    def size_bytes(self) -> int:
        """Bytes of all images together."""
        return sum(
            len(image) if isinstance(image, bytes) else image.image.length for image in self.images
        )

    def read(self, blobs: VerifiedStore, *, prior: float | None) -> Support:
        """The support as a worker takes it; classes are in the order of their first images.

        Raises:
            BlobDamagedError: The dataset's file is damaged.
        """
        class_names = list(dict.fromkeys(self.labels))
        return Support(
            images=tuple(
                image if isinstance(image, bytes) else image.read(blobs) for image in self.images
            ),
            classes=tuple(class_names.index(label) for label in self.labels),
            names=tuple(class_names),
            prior=prior,
        )


def support_for(
    session: Session, *, project: str, model: ModelRecord, options: SupportOptions
) -> LabeledSupport | None:
    """The support of a few-shot learner; None for a network that needs none and got none.

    Raises:
        InvalidRequestError: ``support_missing``, ``support_not_taken``,
            ``support_labels_mismatch`` or another fault of the support.
        ConflictError: The dataset is not ready.
    """
    if not model.is_few_shot_learner:
        _require_none(model, options)
        return None
    if options.is_empty:
        raise invalid_value(
            "/support",
            f"{model.id} is a few-shot learner, and the request has no support",
            code="support_missing",
            remedy=_TWO_WAYS,
        )
    if options.dataset_id is not None and (options.images or options.labels):
        raise invalid_value(
            "/support_dataset",
            "the request has both support images and a support dataset",
            code="support_ambiguous",
            remedy=_TWO_WAYS,
        )
    if options.dataset_id is not None:
        support = _drawn(session, project, options.dataset_id, options)
    else:
        support = _sent(options)
    return _within_limits(support)


def _require_none(model: ModelRecord, options: SupportOptions) -> None:
    if not options.is_empty:
        raise invalid_value(
            "/support",
            f"{model.id} is no few-shot learner and takes no support",
            code="support_not_taken",
            remedy="use a model that class_regularization made, or omit the support",
        )


def _sent(options: SupportOptions) -> LabeledSupport:
    """The files of the request with their labels. Raises InvalidRequestError."""
    labels = [label.strip() for label in options.labels]
    if len(labels) != len(options.images):
        raise _labels_mismatch(
            f"there are {counted(len(options.images), 'support image')} and"
            f" {counted(len(labels), 'support label')}"
        )
    for index, label in enumerate(labels):
        if not 1 <= len(label) <= _LONGEST_LABEL or "\x00" in label:
            raise _labels_mismatch(
                f"support label {index} has {len(label)} characters; the limits are 1 and"
                f" {_LONGEST_LABEL}"
            )
    return LabeledSupport(options.images, labels)


def _labels_mismatch(detail: str) -> InvalidRequestError:
    return invalid_value(
        "/support_labels",
        detail,
        code="support_labels_mismatch",
        remedy="send one label for each support image, in the same order",
    )


def _drawn(
    session: Session, project: str, reference: str, options: SupportOptions
) -> LabeledSupport:
    """Images of a labeled dataset, drawn by the seed. Raises InvalidRequestError."""
    with error_pointer("/support_dataset"):
        row_id = names.id_of(session, DatasetRecord, project=project, reference=reference)
        dataset = owned_rows.get_ready(session, DatasetRecord, project=project, id=row_id)
        positions, labels = drawn_positions(session, dataset=dataset, options=options)
    query = select(ImageRecord).where(
        ImageRecord.dataset_id == dataset.id, ImageRecord.position.in_(positions)
    )
    rows = {row.position: row for row in session.scalars(query)}
    packed = dataset.packed_sha256 or ""
    return LabeledSupport(
        [ImageLocation.of(rows[position], packed) for position in positions], labels
    )


def drawn_positions(
    session: Session, *, dataset: DatasetRecord, options: SupportOptions
) -> tuple[list[int], list[str]]:
    """Positions of the images that the seed draws, class by class, and their labels.

    Raises:
        InvalidRequestError: ``unknown_labels``: the dataset lacks a class, or labels at all.
    """
    class_names = require_classes(dataset, options.classes)
    require_one_label_each(dataset)
    generator = random.Random(options.seed)
    positions, labels = [], []
    for name in class_names:
        own = _positions_of(session, dataset, (dataset.labels or []).index(name))
        taken = len(own) if options.shots is None else min(options.shots, len(own))
        positions += sorted(generator.sample(own, taken))
        labels += [name] * taken
    return positions, labels


def require_classes(dataset: DatasetRecord, classes: Sequence[str]) -> list[str]:
    """The named classes of the dataset without repeats, or all. Raises InvalidRequestError."""
    labels = dataset.labels or []
    unknown = [name for name in classes if name not in labels]
    if not labels:
        raise InvalidRequestError(
            f"{dataset.id} has no labels", code="unknown_labels", remedy=_TWO_WAYS
        )
    if unknown:
        raise invalid_value(
            "/classes",
            f"{dataset.id} has no images labeled {', '.join(unknown[:10])}",
            code="unknown_labels",
            remedy=f"choose among: {', '.join(labels[:10])}",
        )
    return list(dict.fromkeys(classes)) or list(labels)


def _positions_of(session: Session, dataset: DatasetRecord, label: int) -> Sequence[int]:
    """Positions of the images of one class in order."""
    query = select(ImageRecord.position).where(
        ImageRecord.dataset_id == dataset.id, ImageRecord.label == label
    )
    return session.scalars(query.order_by(ImageRecord.position)).all()


def _within_limits(support: LabeledSupport) -> LabeledSupport:
    """The support, if it is neither empty nor too large. Raises InvalidRequestError."""
    images, classes = len(support.images), len(set(support.labels))
    if not 1 <= images <= MOST_SUPPORT_IMAGES:
        raise invalid_value(
            "/support",
            f"the support has {images} images; the limits are 1 and {MOST_SUPPORT_IMAGES}",
            code="invalid_support_count",
            remedy="send fewer support images, or set `shots` with a support dataset",
        )
    if classes > MOST_SUPPORT_CLASSES:
        raise invalid_value(
            "/support_labels",
            f"the support has {classes} classes; the limit is {MOST_SUPPORT_CLASSES}",
            code="too_many_support_classes",
            remedy="send images of fewer classes, or name `classes` of the support dataset",
        )
    return support
