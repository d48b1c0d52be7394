"""A checked dataset becomes ready with one row per image or clip, or is rejected."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from service.core.operations.quotas.admission import within
from service.core.operations.quotas.limits import Quota
from service.core.results.datasets import ImageFacts, IngestedDataset
from service.core.tables import DatasetRecord, DatasetState, ImageRecord, JobRecord, LabelKind
from workers.worker.outputs import JobOutput
from workers.worker.record.clips import describe_clips
from workers.worker.record.rows import locked_row

_ROWS_AT_ONCE = 5000


def record_dataset(
    session: Session, job: JobRecord, output: JobOutput[IngestedDataset]
) -> dict[str, Any]:
    """A checked dataset is ready with its index, or rejected with its problems."""
    dataset, result = (
        locked_row(session, job, DatasetRecord, job.inputs["dataset_id"]),
        output.result,
    )
    dataset.problems = [problem.model_dump() for problem in result.problems]
    dataset.notes = [note.model_dump(mode="json") for note in result.notes]
    dataset.version += 1
    if result.packed_file is None:
        dataset.state = DatasetState.REJECTED
    else:
        dataset.packed_sha256 = output.files[result.packed_file].sha256
        with within(session, dataset.project, Quota.IMAGES):
            if result.clips:
                describe_clips(session, dataset, output)
            else:
                _describe_images(session, dataset, output)
    session.flush()
    return {
        "dataset_id": dataset.id,
        "state": dataset.state,
        "images": dataset.images,
        "clips": dataset.clips,
        "problems": dataset.problems[:100],
        "notes": dataset.notes[:100],
    }


def _describe_images(
    session: Session, dataset: DatasetRecord, output: JobOutput[IngestedDataset]
) -> None:
    """Make the dataset ready, with one row per image."""
    result = output.result
    dataset.state = DatasetState.READY
    dataset.images = len(result.images)
    dataset.labels = None if result.labels is None else list(result.labels)
    dataset.manifest_sha256 = result.manifest_sha256
    if result.canonical_file is not None:
        dataset.canonical_sha256 = output.files[result.canonical_file].sha256
        dataset.canonical_side = result.canonical_side
        if result.appearance is not None:
            dataset.appearance = result.appearance.model_dump(mode="json")
    if result.masks_file is not None:
        dataset.masks_sha256 = output.files[result.masks_file].sha256
    dataset.label_kind = _label_kind(result)
    label_index = {name: index for index, name in enumerate(result.labels or ())}
    rows = [
        {
            **image.model_dump(exclude={"mask"}),
            "dataset_id": dataset.id,
            "position": position,
            **_label_values(image, label_index),
            **_mask_values(image),
        }
        for position, image in enumerate(result.images)
    ]
    # A damaged dataset is read again from its upload.
    session.execute(delete(ImageRecord).where(ImageRecord.dataset_id == dataset.id))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(insert(ImageRecord), rows[start : start + _ROWS_AT_ONCE])


def _label_kind(result: IngestedDataset) -> LabelKind | None:
    if result.labels is None:
        return None
    if result.masks_file is not None:
        return LabelKind.MASK
    several = any(isinstance(image.label, tuple) for image in result.images)
    return LabelKind.MULTIPLE if several else LabelKind.SINGLE


def _label_values(image: ImageFacts, label_index: Mapping[str, int]) -> dict[str, Any]:
    """Indices of the classes of an image, in the column for one label or in that for several."""
    if isinstance(image.label, tuple):
        return {"label": None, "labels": [label_index[name] for name in image.label]}
    return {"label": None if image.label is None else label_index[image.label], "labels": None}


def _mask_values(image: ImageFacts) -> dict[str, Any]:
    """Position and digest of the mask of an image."""
    if image.mask is None:
        return {}
    return {f"mask_{name}": value for name, value in image.mask.model_dump().items()}
