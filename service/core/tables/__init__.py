"""The tables. Class names end in Record; there is no logic here."""

from service.core.tables.accuracy import AccuracyRecord, Protocol
from service.core.tables.audit import AuditApi, AuditRecord
from service.core.tables.base import TableRow
from service.core.tables.concept import (
    ConceptSearchRecord,
    ConceptSearchState,
    UnitResponsesRecord,
)
from service.core.tables.damage import DamagedBlobRecord
from service.core.tables.dataset import (
    ClipRecord,
    DatasetRecord,
    DatasetState,
    ImageRecord,
    LabelKind,
)
from service.core.tables.estimate import EstimateRecord
from service.core.tables.family import RelativeRecord, WeightSketchRecord
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
    JobRunRecord,
    JobState,
)
from service.core.tables.key import IdempotencyRecord, KeyRecord
from service.core.tables.layer_selection import LayerSelectionRecord, LayerSelectionState
from service.core.tables.model import ModelRecord, ModelState
from service.core.tables.model_name import ModelAliasRecord, ModelNameRecord
from service.core.tables.project_event import Change, ProjectEventRecord
from service.core.tables.quota import QuotaRecord
from service.core.tables.session import SessionRecord, SignInLinkRecord
from service.core.tables.upload import UploadRecord, UploadState

__all__ = [
    "FINAL_STATES",
    "AccuracyRecord",
    "AffinityRecord",
    "ArtifactRecord",
    "AuditApi",
    "AuditRecord",
    "Change",
    "ClipRecord",
    "ConceptSearchRecord",
    "ConceptSearchState",
    "DamagedBlobRecord",
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
    "JobRunRecord",
    "JobState",
    "KeyRecord",
    "LabelKind",
    "LayerSelectionRecord",
    "LayerSelectionState",
    "MapRecord",
    "ModelAliasRecord",
    "ModelNameRecord",
    "ModelRecord",
    "ModelState",
    "ProjectEventRecord",
    "Protocol",
    "QuotaRecord",
    "RankingRecord",
    "RankingState",
    "RelativeRecord",
    "SessionRecord",
    "SignInLinkRecord",
    "TableRow",
    "UnitResponsesRecord",
    "UploadRecord",
    "UploadState",
    "WeightSketchRecord",
]
