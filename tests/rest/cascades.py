"""Rows of cascades and of clips to train them on, for tests of the APIs."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, make_transient

from service.container import Zoo
from service.core.tables import ClipRecord, DatasetRecord, ModelRecord
from tests.rest.served import a_model, a_set_of_clips

CLIPS = 8
THREE_STAGES: Mapping[str, Sequence[str]] = {
    "pinyin": ("hao", "ni"),
    "tone": ("3",),
    "character": ("你", "好"),
}


def a_set_of_chinese_clips(zoo: Zoo, session: Session) -> DatasetRecord:
    """A ready dataset of eight clips, each with a syllable per character."""
    dataset = a_set_of_clips(zoo, session)
    query = select(ClipRecord).where(ClipRecord.dataset_id == dataset.id, ClipRecord.position == 0)
    clip = session.scalars(query).one()
    for position in range(2, CLIPS):
        session.expunge(clip)
        make_transient(clip)
        clip.position, clip.name = position, f"{position}.mp4"
        session.add(clip)
        session.flush()
    dataset.clips = CLIPS
    return dataset


def a_cascade(
    session: Session,
    *,
    stages: Mapping[str, Sequence[str]] = THREE_STAGES,
    **changes: Any,
) -> ModelRecord:
    """A cascade with the usual settings that is ready."""
    manifest = {
        "name": "lips",
        "format": "safetensors",
        "task": {"kind": "transcription", "text": ""},
        "reader": {
            "kind": "cascade",
            "features": {
                "modality": "video", "height": 32, "width": 48, "rate": 25.0, "components": 40,
            },
            "size": {"width": 80, "layers": 1, "dropout": 0.3},
            "stages": [
                {"stage": stage, "vocabulary": list(tokens)} for stage, tokens in stages.items()
            ],
            "tokens_per_frame": 0.5,
            "video_in": "all",
            "passed": "posterior",
            "pinyin_from": "pypinyin",
        },
    }  # fmt: skip
    usual = {"name": "lips", "manifest": manifest, "task_kind": "transcription", "layers": []}
    return a_model(session, **{**usual, **changes})
