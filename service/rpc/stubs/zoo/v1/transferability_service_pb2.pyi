import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from service.rpc.stubs.zoo.v1 import common_pb2 as _common_pb2
from service.rpc.stubs.zoo.v1 import job_pb2 as _job_pb2
from service.rpc.stubs.zoo.v1 import layer_selection_pb2 as _layer_selection_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RankingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RANKING_STATE_UNSPECIFIED: _ClassVar[RankingState]
    RANKING_STATE_PENDING: _ClassVar[RankingState]
    RANKING_STATE_READY: _ClassVar[RankingState]
    RANKING_STATE_FAILED: _ClassVar[RankingState]
RANKING_STATE_UNSPECIFIED: RankingState
RANKING_STATE_PENDING: RankingState
RANKING_STATE_READY: RankingState
RANKING_STATE_FAILED: RankingState

class RankTarget(_message.Message):
    __slots__ = ("model_id", "dataset_id")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    dataset_id: str
    def __init__(self, model_id: _Optional[str] = ..., dataset_id: _Optional[str] = ...) -> None: ...

class CandidateFilter(_message.Message):
    __slots__ = ("task", "tag", "name")
    TASK_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    task: str
    tag: str
    name: str
    def __init__(self, task: _Optional[str] = ..., tag: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class Candidates(_message.Message):
    __slots__ = ("model_ids", "filter")
    MODEL_IDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    model_ids: _containers.RepeatedScalarFieldContainer[str]
    filter: CandidateFilter
    def __init__(self, model_ids: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[CandidateFilter, _Mapping]] = ...) -> None: ...

class RankRequest(_message.Message):
    __slots__ = ("target", "probe_set_id", "candidates", "metric", "edge_weight", "settings", "estimators", "protocol")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATORS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    target: RankTarget
    probe_set_id: str
    candidates: Candidates
    metric: str
    edge_weight: float
    settings: _struct_pb2.Struct
    estimators: str
    protocol: str
    def __init__(self, target: _Optional[_Union[RankTarget, _Mapping]] = ..., probe_set_id: _Optional[str] = ..., candidates: _Optional[_Union[Candidates, _Mapping]] = ..., metric: _Optional[str] = ..., edge_weight: _Optional[float] = ..., settings: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., estimators: _Optional[str] = ..., protocol: _Optional[str] = ...) -> None: ...

class NearCopy(_message.Message):
    __slots__ = ("model_id", "name", "score", "relation")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    name: str
    score: float
    relation: str
    def __init__(self, model_id: _Optional[str] = ..., name: _Optional[str] = ..., score: _Optional[float] = ..., relation: _Optional[str] = ...) -> None: ...

class RankingItem(_message.Message):
    __slots__ = ("rank", "model_id", "name", "score", "node_similarity", "edge_similarity", "interval", "valid_probes", "mean", "deviation", "p_best", "expected_regret", "measured", "group", "same_weights_as", "parameters", "flops", "size_bytes", "pareto", "near_copies", "latency_ms")
    RANK_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    NODE_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    EDGE_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    VALID_PROBES_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    DEVIATION_FIELD_NUMBER: _ClassVar[int]
    P_BEST_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REGRET_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    SAME_WEIGHTS_AS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    FLOPS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    PARETO_FIELD_NUMBER: _ClassVar[int]
    NEAR_COPIES_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: float
    edge_similarity: float
    interval: _containers.RepeatedScalarFieldContainer[float]
    valid_probes: int
    mean: float
    deviation: float
    p_best: float
    expected_regret: float
    measured: float
    group: int
    same_weights_as: _containers.RepeatedScalarFieldContainer[str]
    parameters: int
    flops: int
    size_bytes: int
    pareto: bool
    near_copies: _containers.RepeatedCompositeFieldContainer[NearCopy]
    latency_ms: float
    def __init__(self, rank: _Optional[int] = ..., model_id: _Optional[str] = ..., name: _Optional[str] = ..., score: _Optional[float] = ..., node_similarity: _Optional[float] = ..., edge_similarity: _Optional[float] = ..., interval: _Optional[_Iterable[float]] = ..., valid_probes: _Optional[int] = ..., mean: _Optional[float] = ..., deviation: _Optional[float] = ..., p_best: _Optional[float] = ..., expected_regret: _Optional[float] = ..., measured: _Optional[float] = ..., group: _Optional[int] = ..., same_weights_as: _Optional[_Iterable[str]] = ..., parameters: _Optional[int] = ..., flops: _Optional[int] = ..., size_bytes: _Optional[int] = ..., pareto: _Optional[bool] = ..., near_copies: _Optional[_Iterable[_Union[NearCopy, _Mapping]]] = ..., latency_ms: _Optional[float] = ...) -> None: ...

class BaselineItem(_message.Message):
    __slots__ = ("model_id", "value")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    value: float
    def __init__(self, model_id: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class Baseline(_message.Message):
    __slots__ = ("name", "items", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    items: _containers.RepeatedCompositeFieldContainer[BaselineItem]
    reason: _common_pb2.Problem
    def __init__(self, name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[BaselineItem, _Mapping]]] = ..., reason: _Optional[_Union[_common_pb2.Problem, _Mapping]] = ...) -> None: ...

class BestSet(_message.Message):
    __slots__ = ("model_ids", "coverage", "probability")
    MODEL_IDS_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    model_ids: _containers.RepeatedScalarFieldContainer[str]
    coverage: float
    probability: float
    def __init__(self, model_ids: _Optional[_Iterable[str]] = ..., coverage: _Optional[float] = ..., probability: _Optional[float] = ...) -> None: ...

class MetricChoice(_message.Message):
    __slots__ = ("metric", "reason")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    metric: str
    reason: str
    def __init__(self, metric: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UnrankedModel(_message.Message):
    __slots__ = ("model_id", "code", "detail")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    code: str
    detail: str
    def __init__(self, model_id: _Optional[str] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Ranking(_message.Message):
    __slots__ = ("id", "state", "job_id", "metric", "items", "unranked", "cache_key", "created_at", "error", "edge_weight", "target_model_id", "probe_set_id", "progress", "target_dataset_id", "baselines", "best_set", "expected_regret", "measure_next", "evidence", "effective_probes", "warnings", "shared_images", "advice", "choice", "ranked", "probes_advice")
    class EvidenceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    UNRANKED_FIELD_NUMBER: _ClassVar[int]
    CACHE_KEY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TARGET_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TARGET_DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    BASELINES_FIELD_NUMBER: _ClassVar[int]
    BEST_SET_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REGRET_FIELD_NUMBER: _ClassVar[int]
    MEASURE_NEXT_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_PROBES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    SHARED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    RANKED_FIELD_NUMBER: _ClassVar[int]
    PROBES_ADVICE_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: RankingState
    job_id: str
    metric: str
    items: _containers.RepeatedCompositeFieldContainer[RankingItem]
    unranked: _containers.RepeatedCompositeFieldContainer[UnrankedModel]
    cache_key: str
    created_at: _timestamp_pb2.Timestamp
    error: _common_pb2.Problem
    edge_weight: float
    target_model_id: str
    probe_set_id: str
    progress: _job_pb2.JobProgress
    target_dataset_id: str
    baselines: _containers.RepeatedCompositeFieldContainer[Baseline]
    best_set: BestSet
    expected_regret: float
    measure_next: _containers.RepeatedScalarFieldContainer[str]
    evidence: _containers.ScalarMap[str, float]
    effective_probes: float
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Problem]
    shared_images: int
    advice: str
    choice: MetricChoice
    ranked: int
    probes_advice: str
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[RankingState, str]] = ..., job_id: _Optional[str] = ..., metric: _Optional[str] = ..., items: _Optional[_Iterable[_Union[RankingItem, _Mapping]]] = ..., unranked: _Optional[_Iterable[_Union[UnrankedModel, _Mapping]]] = ..., cache_key: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[_common_pb2.Problem, _Mapping]] = ..., edge_weight: _Optional[float] = ..., target_model_id: _Optional[str] = ..., probe_set_id: _Optional[str] = ..., progress: _Optional[_Union[_job_pb2.JobProgress, _Mapping]] = ..., target_dataset_id: _Optional[str] = ..., baselines: _Optional[_Iterable[_Union[Baseline, _Mapping]]] = ..., best_set: _Optional[_Union[BestSet, _Mapping]] = ..., expected_regret: _Optional[float] = ..., measure_next: _Optional[_Iterable[str]] = ..., evidence: _Optional[_Mapping[str, float]] = ..., effective_probes: _Optional[float] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Problem, _Mapping]]] = ..., shared_images: _Optional[int] = ..., advice: _Optional[str] = ..., choice: _Optional[_Union[MetricChoice, _Mapping]] = ..., ranked: _Optional[int] = ..., probes_advice: _Optional[str] = ...) -> None: ...

class RankResponse(_message.Message):
    __slots__ = ("ranking",)
    RANKING_FIELD_NUMBER: _ClassVar[int]
    ranking: Ranking
    def __init__(self, ranking: _Optional[_Union[Ranking, _Mapping]] = ...) -> None: ...

class EstimateRankingRequest(_message.Message):
    __slots__ = ("ranking",)
    RANKING_FIELD_NUMBER: _ClassVar[int]
    ranking: RankRequest
    def __init__(self, ranking: _Optional[_Union[RankRequest, _Mapping]] = ...) -> None: ...

class RankingStep(_message.Message):
    __slots__ = ("method", "jobs", "seconds", "basis")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    method: str
    jobs: int
    seconds: float
    basis: str
    def __init__(self, method: _Optional[str] = ..., jobs: _Optional[int] = ..., seconds: _Optional[float] = ..., basis: _Optional[str] = ...) -> None: ...

class RankingEstimate(_message.Message):
    __slots__ = ("seconds", "steps", "concurrency", "other_jobs", "candidates")
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    OTHER_JOBS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    seconds: float
    steps: _containers.RepeatedCompositeFieldContainer[RankingStep]
    concurrency: int
    other_jobs: int
    candidates: int
    def __init__(self, seconds: _Optional[float] = ..., steps: _Optional[_Iterable[_Union[RankingStep, _Mapping]]] = ..., concurrency: _Optional[int] = ..., other_jobs: _Optional[int] = ..., candidates: _Optional[int] = ...) -> None: ...

class EstimateRankingResponse(_message.Message):
    __slots__ = ("estimate",)
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    estimate: RankingEstimate
    def __init__(self, estimate: _Optional[_Union[RankingEstimate, _Mapping]] = ...) -> None: ...

class GetRankingRequest(_message.Message):
    __slots__ = ("id", "edge_weight", "limit")
    ID_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    edge_weight: float
    limit: int
    def __init__(self, id: _Optional[str] = ..., edge_weight: _Optional[float] = ..., limit: _Optional[int] = ...) -> None: ...

class GetRankingResponse(_message.Message):
    __slots__ = ("ranking",)
    RANKING_FIELD_NUMBER: _ClassVar[int]
    ranking: Ranking
    def __init__(self, ranking: _Optional[_Union[Ranking, _Mapping]] = ...) -> None: ...

class RankingSummary(_message.Message):
    __slots__ = ("id", "state", "job_id", "metric", "edge_weight", "target_model_id", "target_dataset_id", "probe_set_id", "candidates", "error", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TARGET_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: RankingState
    job_id: str
    metric: str
    edge_weight: float
    target_model_id: str
    target_dataset_id: str
    probe_set_id: str
    candidates: int
    error: _common_pb2.Problem
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[RankingState, str]] = ..., job_id: _Optional[str] = ..., metric: _Optional[str] = ..., edge_weight: _Optional[float] = ..., target_model_id: _Optional[str] = ..., target_dataset_id: _Optional[str] = ..., probe_set_id: _Optional[str] = ..., candidates: _Optional[int] = ..., error: _Optional[_Union[_common_pb2.Problem, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListRankingsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state", "metric")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: RankingState
    metric: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[RankingState, str]] = ..., metric: _Optional[str] = ...) -> None: ...

class ListRankingsResponse(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[RankingSummary]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[RankingSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SelectLayerRequest(_message.Message):
    __slots__ = ("source_model_id", "target", "probe_set_id", "names", "range", "target_layer", "data", "edge_weight", "settings")
    SOURCE_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    TARGET_LAYER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    source_model_id: str
    target: RankTarget
    probe_set_id: str
    names: _common_pb2.StringList
    range: str
    target_layer: str
    data: str
    edge_weight: float
    settings: _struct_pb2.Struct
    def __init__(self, source_model_id: _Optional[str] = ..., target: _Optional[_Union[RankTarget, _Mapping]] = ..., probe_set_id: _Optional[str] = ..., names: _Optional[_Union[_common_pb2.StringList, _Mapping]] = ..., range: _Optional[str] = ..., target_layer: _Optional[str] = ..., data: _Optional[str] = ..., edge_weight: _Optional[float] = ..., settings: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SelectLayerResponse(_message.Message):
    __slots__ = ("selection",)
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    selection: _layer_selection_pb2.LayerSelection
    def __init__(self, selection: _Optional[_Union[_layer_selection_pb2.LayerSelection, _Mapping]] = ...) -> None: ...

class GetLayerSelectionRequest(_message.Message):
    __slots__ = ("id", "data", "edge_weight")
    ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    id: str
    data: str
    edge_weight: float
    def __init__(self, id: _Optional[str] = ..., data: _Optional[str] = ..., edge_weight: _Optional[float] = ...) -> None: ...

class GetLayerSelectionResponse(_message.Message):
    __slots__ = ("selection",)
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    selection: _layer_selection_pb2.LayerSelection
    def __init__(self, selection: _Optional[_Union[_layer_selection_pb2.LayerSelection, _Mapping]] = ...) -> None: ...

class LayerSelectionSummary(_message.Message):
    __slots__ = ("id", "state", "job_id", "source_model_id", "target_model_id", "target_layer", "probe_set_id", "candidates", "error", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_LAYER_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: _layer_selection_pb2.LayerSelectionState
    job_id: str
    source_model_id: str
    target_model_id: str
    target_layer: str
    probe_set_id: str
    candidates: int
    error: _common_pb2.Problem
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[_layer_selection_pb2.LayerSelectionState, str]] = ..., job_id: _Optional[str] = ..., source_model_id: _Optional[str] = ..., target_model_id: _Optional[str] = ..., target_layer: _Optional[str] = ..., probe_set_id: _Optional[str] = ..., candidates: _Optional[int] = ..., error: _Optional[_Union[_common_pb2.Problem, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListLayerSelectionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: _layer_selection_pb2.LayerSelectionState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[_layer_selection_pb2.LayerSelectionState, str]] = ...) -> None: ...

class ListLayerSelectionsResponse(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[LayerSelectionSummary]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[LayerSelectionSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateMapRequest(_message.Message):
    __slots__ = ("dataset_id", "metric", "edge_weight", "linkage", "k", "clusters", "layout", "comparison")
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    LINKAGE_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    dataset_id: str
    metric: str
    edge_weight: float
    linkage: str
    k: int
    clusters: int
    layout: str
    comparison: str
    def __init__(self, dataset_id: _Optional[str] = ..., metric: _Optional[str] = ..., edge_weight: _Optional[float] = ..., linkage: _Optional[str] = ..., k: _Optional[int] = ..., clusters: _Optional[int] = ..., layout: _Optional[str] = ..., comparison: _Optional[str] = ...) -> None: ...

class CreateMapResponse(_message.Message):
    __slots__ = ("snapshot", "job")
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    snapshot: MapSnapshot
    job: _job_pb2.Job
    def __init__(self, snapshot: _Optional[_Union[MapSnapshot, _Mapping]] = ..., job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ...) -> None: ...

class GetMapRequest(_message.Message):
    __slots__ = ("dataset_id", "metric", "edge_weight", "format", "linkage", "picture", "k", "clusters", "layout", "theme", "include", "indices", "comparison")
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    LINKAGE_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    dataset_id: str
    metric: str
    edge_weight: float
    format: str
    linkage: str
    picture: str
    k: int
    clusters: int
    layout: str
    theme: str
    include: _containers.RepeatedScalarFieldContainer[str]
    indices: _containers.RepeatedScalarFieldContainer[int]
    comparison: str
    def __init__(self, dataset_id: _Optional[str] = ..., metric: _Optional[str] = ..., edge_weight: _Optional[float] = ..., format: _Optional[str] = ..., linkage: _Optional[str] = ..., picture: _Optional[str] = ..., k: _Optional[int] = ..., clusters: _Optional[int] = ..., layout: _Optional[str] = ..., theme: _Optional[str] = ..., include: _Optional[_Iterable[str]] = ..., indices: _Optional[_Iterable[int]] = ..., comparison: _Optional[str] = ...) -> None: ...

class ListMapsRequest(_message.Message):
    __slots__ = ("dataset_id", "page_size", "page_token")
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    dataset_id: str
    page_size: int
    page_token: str
    def __init__(self, dataset_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class MapSnapshot(_message.Message):
    __slots__ = ("id", "job_id", "layout_id", "created_at", "models", "stress", "params")
    ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    STRESS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    id: str
    job_id: str
    layout_id: str
    created_at: _timestamp_pb2.Timestamp
    models: int
    stress: float
    params: _struct_pb2.Struct
    def __init__(self, id: _Optional[str] = ..., job_id: _Optional[str] = ..., layout_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., models: _Optional[int] = ..., stress: _Optional[float] = ..., params: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListMapsResponse(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[MapSnapshot]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[MapSnapshot, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetMapSnapshotRequest(_message.Message):
    __slots__ = ("dataset_id", "map_id", "format", "picture", "theme", "include", "indices")
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    dataset_id: str
    map_id: str
    format: str
    picture: str
    theme: str
    include: _containers.RepeatedScalarFieldContainer[str]
    indices: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, dataset_id: _Optional[str] = ..., map_id: _Optional[str] = ..., format: _Optional[str] = ..., picture: _Optional[str] = ..., theme: _Optional[str] = ..., include: _Optional[_Iterable[str]] = ..., indices: _Optional[_Iterable[int]] = ...) -> None: ...

class GetMapSnapshotResponse(_message.Message):
    __slots__ = ("info", "chunk")
    INFO_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    info: MapInfo
    chunk: bytes
    def __init__(self, info: _Optional[_Union[MapInfo, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class MapInfo(_message.Message):
    __slots__ = ("snapshot", "media_type")
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    snapshot: MapSnapshot
    media_type: str
    def __init__(self, snapshot: _Optional[_Union[MapSnapshot, _Mapping]] = ..., media_type: _Optional[str] = ...) -> None: ...

class GetMapResponse(_message.Message):
    __slots__ = ("info", "chunk")
    INFO_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    info: MapInfo
    chunk: bytes
    def __init__(self, info: _Optional[_Union[MapInfo, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...
