"""What a job may hand back: one strict model per kind of method, the border of the sandbox.

The job's process writes these models, and the worker validates them again, with the scope of the
job, before it stores a file or writes a row.
"""

from collections.abc import Mapping

from service.core.catalog import MethodKind
from service.core.results.adaptations import AdaptedLearner, BakedStyle
from service.core.results.base import JobResult, ResultScope
from service.core.results.concepts import FoundUnits, MeasuredResponses
from service.core.results.datasets import IngestedDataset
from service.core.results.maps import PlacedNetworks
from service.core.results.measurements import (
    ComparedLayers,
    DrawnHeatMaps,
    EstimatedTransferability,
    MeasuredGraph,
)
from service.core.results.networks import ModelCheckResult, NetworkFacts, TrainedReferenceNetwork
from service.core.results.rankings import ComparedCandidates, FusedCandidates
from service.core.results.trainings import TrainedReader, TrainedStudent

__all__ = ["RESULTS", "JobResult", "NetworkFacts", "ResultScope"]

RESULTS: Mapping[MethodKind, type[JobResult]] = {
    MethodKind.MODEL_CHECK: ModelCheckResult,
    MethodKind.DATASET_INGESTION: IngestedDataset,
    MethodKind.GRAPH: MeasuredGraph,
    MethodKind.HEAT_MAPS: DrawnHeatMaps,
    MethodKind.REFERENCE_NETWORK: TrainedReferenceNetwork,
    MethodKind.ESTIMATES: EstimatedTransferability,
    MethodKind.RANKING: ComparedCandidates,
    MethodKind.FUSED_RANKING: FusedCandidates,
    MethodKind.MAP: PlacedNetworks,
    MethodKind.LAYER_SELECTION: ComparedLayers,
    MethodKind.TRAINING: TrainedStudent,
    MethodKind.READER_TRAINING: TrainedReader,
    MethodKind.CASCADE_TRAINING: TrainedReader,
    MethodKind.ADAPTATION: AdaptedLearner,
    MethodKind.UNIT_RESPONSES: MeasuredResponses,
    MethodKind.CONCEPT_SEARCH: FoundUnits,
    MethodKind.BAKED_STYLE: BakedStyle,
}
