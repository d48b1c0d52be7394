"""A dataset of clips as a job's process gets it: the packed file, and what is said in each clip."""

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.operations.dataset_kinds import CLIPS, require_kind
from service.core.results.datasets import ClipFacts
from service.core.tables import ClipRecord, DatasetRecord, JobRecord
from workers.isolation.training_files import CLIPS_FILE
from workers.worker.stage.rows import required_file, row_of


def clips_file(dataset: DatasetRecord, name: str = CLIPS_FILE) -> dict[str, str]:
    """The packed clips by the ``name`` that they get in ``in``.

    Raises:
        InvalidRequestError: ``dataset_has_images``.
    """
    packed = require_kind(dataset, CLIPS).packed_sha256
    return {name: required_file(packed, "the packed clips")}


def stocked_clips(session: Session, job: JobRecord, dataset_id: str) -> tuple[str, bytes]:
    """Digest of the packed clips of a dataset, and as JSON what is known of each, in order.

    Raises:
        NotFoundError: ``input_deleted``: the dataset is gone.
        InvalidRequestError: ``dataset_has_images``.
    """
    dataset = row_of(session, job, DatasetRecord, dataset_id)
    query = select(ClipRecord).where(ClipRecord.dataset_id == dataset.id)
    rows = session.scalars(query.order_by(ClipRecord.position))
    facts = [{name: getattr(row, name) for name in ClipFacts.model_fields} for row in rows]
    return clips_file(dataset)[CLIPS_FILE], json.dumps(facts).encode()


def clip_facts(session: Session, dataset: DatasetRecord) -> list[dict[str, Any]]:
    """What ``workers.child.load.clips`` needs of every clip, in the order of the dataset."""
    query = select(ClipRecord).where(ClipRecord.dataset_id == dataset.id)
    return [
        {
            "start": clip.tensors["start"],
            "length": clip.tensors["length"],
            "transcript": clip.transcript,
            "pinyin": clip.pinyin,
            "speaker": clip.speaker,
        }
        for clip in session.scalars(query.order_by(ClipRecord.position))
    ]
