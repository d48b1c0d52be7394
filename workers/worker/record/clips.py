"""Rows of the clips of a checked dataset."""

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from service.core.results.datasets import IngestedDataset
from service.core.tables import ClipRecord, DatasetRecord, DatasetState
from workers.worker.outputs import JobOutput


def describe_clips(
    session: Session, dataset: DatasetRecord, output: JobOutput[IngestedDataset]
) -> None:
    """Make the dataset ready, with one row per clip."""
    result = output.result
    dataset.state = DatasetState.READY
    dataset.clips = len(result.clips)
    dataset.manifest_sha256 = result.manifest_sha256
    rows = [
        {**clip.model_dump(mode="json"), "dataset_id": dataset.id, "position": position}
        for position, clip in enumerate(result.clips)
    ]
    # A damaged dataset is read again from its upload.
    session.execute(delete(ClipRecord).where(ClipRecord.dataset_id == dataset.id))
    session.execute(insert(ClipRecord), rows)
