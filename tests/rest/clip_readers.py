"""Rows of readers and of clips to train on, for tests of the APIs."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.tables import ModelRecord
from tests.rest.served import a_model

SOUND: dict[str, Any] = {"modality": "audio", "mels": 80}
LIPS: dict[str, Any] = {
    "modality": "video", "height": 48, "width": 64, "rate": 25.0, "components": 40,
}  # fmt: skip


def a_reader(
    session: Session, features: dict[str, Any] = SOUND, vocabulary: str = "你好", **changes: Any
) -> ModelRecord:
    """A reader of clips that is ready."""
    manifest = {
        "name": "ears",
        "format": "safetensors",
        "task": {"kind": "transcription", "text": ""},
        "reader": {
            "features": features,
            "size": {"width": 8, "layers": 1, "dropout": 0.3},
            "vocabulary": list(vocabulary),
            "tokens_per_frame": 0.5,
        },
    }
    usual = {"name": "ears", "manifest": manifest, "task_kind": "transcription", "layers": []}
    return a_model(session, **{**usual, **changes})
