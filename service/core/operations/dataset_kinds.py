"""Requests that need images refuse clips and what reads them, and the other way round."""

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.errors import FieldProblem, InvalidRequestError
from service.core.ids import IdKind
from service.core.manifest import DatasetKind
from service.core.operations.id_references import IdReference
from service.core.tables import DatasetRecord, ModelRecord

CLIPS = frozenset({DatasetKind.CLIPS})
READS_CLIPS = "model_reads_clips"
_IMAGES = frozenset({DatasetKind.IMAGES})
_CODES = {DatasetKind.CLIPS: "dataset_has_clips", DatasetKind.IMAGES: "dataset_has_images"}
_REMEDIES = {
    DatasetKind.CLIPS: "choose a dataset of images; GET /v1/datasets/{id}/clips lists the clips",
    DatasetKind.IMAGES: "choose a dataset of clips, uploaded with `kind` = clips",
}


def require_kind(
    dataset: DatasetRecord, allowed: Collection[DatasetKind] = _IMAGES
) -> DatasetRecord:
    """The dataset, if it holds what is needed.

    Raises:
        InvalidRequestError: ``dataset_has_clips`` or ``dataset_has_images``.
    """
    if dataset.kind not in allowed:
        raise _wrong_kind(dataset.id, DatasetKind(dataset.kind))
    return dataset


def require_network_of_images(model: ModelRecord) -> ModelRecord:
    """The model, if it takes images.

    Raises:
        InvalidRequestError: ``model_reads_clips``.
    """
    if model.is_reader:
        raise InvalidRequestError(
            reads_clips(model),
            code=READS_CLIPS,
            remedy="choose a network of images; GET /v1/models shows `input` for each of them",
        )
    return model


def require_reader(model: ModelRecord) -> ModelRecord:
    """The model, if it reads clips.

    Raises:
        InvalidRequestError: ``model_reads_images``.
    """
    if not model.is_reader:
        raise InvalidRequestError(
            f"{model.id} reads images, and this needs a reader of clips",
            code="model_reads_images",
            remedy="choose a model that a training on clips made, such as speech_recognizer",
        )
    return model


def reads_clips(model: ModelRecord) -> str:
    """Why a reader does not fit a request about images."""
    return f"{model.id} reads clips, and this needs a network of images"


def require_kinds(
    session: Session,
    *,
    project: str,
    references: Iterable[IdReference],
    allowed: Collection[DatasetKind],
) -> None:
    """Require that every dataset that a request names holds what is needed.

    Raises:
        InvalidRequestError: As ``require_kind``, with a pointer.
    """
    pointers = {
        reference.id: reference.pointer
        for reference in references
        if reference.kind is IdKind.DATASET
    }
    if not pointers:
        return
    query = select(DatasetRecord.id, DatasetRecord.kind).where(
        DatasetRecord.project == project,
        DatasetRecord.id.in_(pointers),
        DatasetRecord.kind.not_in(allowed),
    )
    for dataset_id, kind in session.execute(query.order_by(DatasetRecord.id)):
        raise _wrong_kind(dataset_id, DatasetKind(kind), pointer=pointers[dataset_id])


def _wrong_kind(dataset_id: str, kind: DatasetKind, *, pointer: str = "") -> InvalidRequestError:
    detail = f"{dataset_id} holds {kind}, which do not fit here"
    return InvalidRequestError(
        detail,
        code=_CODES[kind],
        remedy=_REMEDIES[kind].replace("{id}", dataset_id),
        errors=[FieldProblem(pointer, detail)] if pointer else (),
    )
