import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from service.rpc.stubs.zoo.v1 import common_pb2 as _common_pb2
from service.rpc.stubs.zoo.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LayerSelectionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAYER_SELECTION_STATE_UNSPECIFIED: _ClassVar[LayerSelectionState]
    LAYER_SELECTION_STATE_PENDING: _ClassVar[LayerSelectionState]
    LAYER_SELECTION_STATE_READY: _ClassVar[LayerSelectionState]
    LAYER_SELECTION_STATE_FAILED: _ClassVar[LayerSelectionState]
LAYER_SELECTION_STATE_UNSPECIFIED: LayerSelectionState
LAYER_SELECTION_STATE_PENDING: LayerSelectionState
LAYER_SELECTION_STATE_READY: LayerSelectionState
LAYER_SELECTION_STATE_FAILED: LayerSelectionState

class LayerScore(_message.Message):
    __slots__ = ("layer", "kind", "shape", "depth", "operations_share", "status", "detail", "valid_probes", "node_similarity", "edge_similarity", "score", "interval", "group")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_SHARE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    VALID_PROBES_FIELD_NUMBER: _ClassVar[int]
    NODE_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    EDGE_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    layer: str
    kind: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    depth: float
    operations_share: float
    status: str
    detail: str
    valid_probes: int
    node_similarity: float
    edge_similarity: float
    score: float
    interval: _containers.RepeatedScalarFieldContainer[float]
    group: int
    def __init__(self, layer: _Optional[str] = ..., kind: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., depth: _Optional[float] = ..., operations_share: _Optional[float] = ..., status: _Optional[str] = ..., detail: _Optional[str] = ..., valid_probes: _Optional[int] = ..., node_similarity: _Optional[float] = ..., edge_similarity: _Optional[float] = ..., score: _Optional[float] = ..., interval: _Optional[_Iterable[float]] = ..., group: _Optional[int] = ...) -> None: ...

class LayerChoice(_message.Message):
    __slots__ = ("layer", "score", "interval", "runner_up", "margin", "tied")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    RUNNER_UP_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    TIED_FIELD_NUMBER: _ClassVar[int]
    layer: str
    score: float
    interval: _containers.RepeatedScalarFieldContainer[float]
    runner_up: str
    margin: float
    tied: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, layer: _Optional[str] = ..., score: _Optional[float] = ..., interval: _Optional[_Iterable[float]] = ..., runner_up: _Optional[str] = ..., margin: _Optional[float] = ..., tied: _Optional[_Iterable[str]] = ...) -> None: ...

class LayerBaselines(_message.Message):
    __slots__ = ("middle", "deepest")
    MIDDLE_FIELD_NUMBER: _ClassVar[int]
    DEEPEST_FIELD_NUMBER: _ClassVar[int]
    middle: str
    deepest: str
    def __init__(self, middle: _Optional[str] = ..., deepest: _Optional[str] = ...) -> None: ...

class LayerSelection(_message.Message):
    __slots__ = ("id", "state", "job_id", "source_model_id", "target_model_id", "target_layer", "probe_set_id", "edge_weight", "choice", "layers", "error", "progress", "cache_key", "created_at", "baselines", "effective_probes", "warnings")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_LAYER_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CACHE_KEY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    BASELINES_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_PROBES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: LayerSelectionState
    job_id: str
    source_model_id: str
    target_model_id: str
    target_layer: str
    probe_set_id: str
    edge_weight: float
    choice: LayerChoice
    layers: _containers.RepeatedCompositeFieldContainer[LayerScore]
    error: _common_pb2.Problem
    progress: _job_pb2.JobProgress
    cache_key: str
    created_at: _timestamp_pb2.Timestamp
    baselines: LayerBaselines
    effective_probes: float
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Problem]
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[LayerSelectionState, str]] = ..., job_id: _Optional[str] = ..., source_model_id: _Optional[str] = ..., target_model_id: _Optional[str] = ..., target_layer: _Optional[str] = ..., probe_set_id: _Optional[str] = ..., edge_weight: _Optional[float] = ..., choice: _Optional[_Union[LayerChoice, _Mapping]] = ..., layers: _Optional[_Iterable[_Union[LayerScore, _Mapping]]] = ..., error: _Optional[_Union[_common_pb2.Problem, _Mapping]] = ..., progress: _Optional[_Union[_job_pb2.JobProgress, _Mapping]] = ..., cache_key: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., baselines: _Optional[_Union[LayerBaselines, _Mapping]] = ..., effective_probes: _Optional[float] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Problem, _Mapping]]] = ...) -> None: ...
