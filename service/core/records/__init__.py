"""What is remembered: the tables. Classes end in Record; nothing here decides anything."""

from service.core.records.accuracy import AccuracyRecord, Protocol
from service.core.records.base import Record
from service.core.records.dataset import DatasetRecord, DatasetState, ImageRecord
from service.core.records.estimate import EstimateRecord
from service.core.records.graph import (
    AffinityRecord,
    GraphRecord,
    GraphStatus,
    MapRecord,
    RankingRecord,
    RankingState,
)
from service.core.records.job import (
    FINAL_STATES,
    ArtifactRecord,
    JobDependencyRecord,
    JobEventRecord,
    JobRecord,
    JobState,
)
from service.core.records.key import IdempotencyRecord, KeyRecord
from service.core.records.layer_selection import LayerSelectionRecord, LayerSelectionState
from service.core.records.model import ModelRecord, ModelState
from service.core.records.upload import UploadRecord, UploadState

__all__ = [
    "FINAL_STATES",
    "AccuracyRecord",
    "AffinityRecord",
    "ArtifactRecord",
    "DatasetRecord",
    "DatasetState",
    "EstimateRecord",
    "GraphRecord",
    "GraphStatus",
    "IdempotencyRecord",
    "ImageRecord",
    "JobDependencyRecord",
    "JobEventRecord",
    "JobRecord",
    "JobState",
    "KeyRecord",
    "LayerSelectionRecord",
    "LayerSelectionState",
    "MapRecord",
    "ModelRecord",
    "ModelState",
    "Protocol",
    "RankingRecord",
    "RankingState",
    "Record",
    "UploadRecord",
    "UploadState",
]
