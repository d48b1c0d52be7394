"""The tables. Class names end in Record; there is no logic here."""

from service.core.tables.accuracy import AccuracyRecord, Protocol
from service.core.tables.base import TableRow
from service.core.tables.dataset import DatasetRecord, DatasetState, ImageRecord
from service.core.tables.estimate import EstimateRecord
from service.core.tables.graph import (
    AffinityRecord,
    GraphRecord,
    GraphStatus,
    MapRecord,
    RankingRecord,
    RankingState,
)
from service.core.tables.job import (
    FINAL_STATES,
    ArtifactRecord,
    JobDependencyRecord,
    JobEventRecord,
    JobRecord,
    JobState,
)
from service.core.tables.key import IdempotencyRecord, KeyRecord
from service.core.tables.layer_selection import LayerSelectionRecord, LayerSelectionState
from service.core.tables.model import ModelRecord, ModelState
from service.core.tables.upload import UploadRecord, UploadState

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
    "TableRow",
    "UploadRecord",
    "UploadState",
]
