import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from service.rpc.stubs.zoo.v1 import common_pb2 as _common_pb2
from service.rpc.stubs.zoo.v1 import job_pb2 as _job_pb2
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as _transferability_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConceptSearchState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONCEPT_SEARCH_STATE_UNSPECIFIED: _ClassVar[ConceptSearchState]
    CONCEPT_SEARCH_STATE_PENDING: _ClassVar[ConceptSearchState]
    CONCEPT_SEARCH_STATE_READY: _ClassVar[ConceptSearchState]
    CONCEPT_SEARCH_STATE_FAILED: _ClassVar[ConceptSearchState]
CONCEPT_SEARCH_STATE_UNSPECIFIED: ConceptSearchState
CONCEPT_SEARCH_STATE_PENDING: ConceptSearchState
CONCEPT_SEARCH_STATE_READY: ConceptSearchState
CONCEPT_SEARCH_STATE_FAILED: ConceptSearchState

class SearchConceptRequest(_message.Message):
    __slots__ = ("dataset_id", "negatives_id", "probe_set_id", "candidates", "references", "check", "settings")
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    NEGATIVES_ID_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    dataset_id: str
    negatives_id: str
    probe_set_id: str
    candidates: _transferability_service_pb2.Candidates
    references: int
    check: int
    settings: _struct_pb2.Struct
    def __init__(self, dataset_id: _Optional[str] = ..., negatives_id: _Optional[str] = ..., probe_set_id: _Optional[str] = ..., candidates: _Optional[_Union[_transferability_service_pb2.Candidates, _Mapping]] = ..., references: _Optional[int] = ..., check: _Optional[int] = ..., settings: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class FoundUnit(_message.Message):
    __slots__ = ("model_id", "name", "unit", "class_name", "expected_auc", "expected_interval", "auc", "auc_interval")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_AUC_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    AUC_FIELD_NUMBER: _ClassVar[int]
    AUC_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    name: str
    unit: int
    class_name: str
    expected_auc: float
    expected_interval: _containers.RepeatedScalarFieldContainer[float]
    auc: float
    auc_interval: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, model_id: _Optional[str] = ..., name: _Optional[str] = ..., unit: _Optional[int] = ..., class_name: _Optional[str] = ..., expected_auc: _Optional[float] = ..., expected_interval: _Optional[_Iterable[float]] = ..., auc: _Optional[float] = ..., auc_interval: _Optional[_Iterable[float]] = ...) -> None: ...

class UnsearchedModel(_message.Message):
    __slots__ = ("model_id", "code", "detail")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    code: str
    detail: str
    def __init__(self, model_id: _Optional[str] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class ConceptSearchCost(_message.Message):
    __slots__ = ("networks_run", "networks_searched", "operations_share")
    NETWORKS_RUN_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_SEARCHED_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_SHARE_FIELD_NUMBER: _ClassVar[int]
    networks_run: int
    networks_searched: int
    operations_share: float
    def __init__(self, networks_run: _Optional[int] = ..., networks_searched: _Optional[int] = ..., operations_share: _Optional[float] = ...) -> None: ...

class ConceptSearch(_message.Message):
    __slots__ = ("id", "state", "job_id", "dataset_id", "negatives_id", "probe_set_id", "advice", "units", "searched_units", "reference_ids", "checked_ids", "unsearched", "cost", "warnings", "error", "progress", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    NEGATIVES_ID_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    SEARCHED_UNITS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_IDS_FIELD_NUMBER: _ClassVar[int]
    CHECKED_IDS_FIELD_NUMBER: _ClassVar[int]
    UNSEARCHED_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: ConceptSearchState
    job_id: str
    dataset_id: str
    negatives_id: str
    probe_set_id: str
    advice: str
    units: _containers.RepeatedCompositeFieldContainer[FoundUnit]
    searched_units: int
    reference_ids: _containers.RepeatedScalarFieldContainer[str]
    checked_ids: _containers.RepeatedScalarFieldContainer[str]
    unsearched: _containers.RepeatedCompositeFieldContainer[UnsearchedModel]
    cost: ConceptSearchCost
    warnings: _containers.RepeatedCompositeFieldContainer[_common_pb2.Problem]
    error: _common_pb2.Problem
    progress: _job_pb2.JobProgress
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[ConceptSearchState, str]] = ..., job_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., negatives_id: _Optional[str] = ..., probe_set_id: _Optional[str] = ..., advice: _Optional[str] = ..., units: _Optional[_Iterable[_Union[FoundUnit, _Mapping]]] = ..., searched_units: _Optional[int] = ..., reference_ids: _Optional[_Iterable[str]] = ..., checked_ids: _Optional[_Iterable[str]] = ..., unsearched: _Optional[_Iterable[_Union[UnsearchedModel, _Mapping]]] = ..., cost: _Optional[_Union[ConceptSearchCost, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[_common_pb2.Problem, _Mapping]]] = ..., error: _Optional[_Union[_common_pb2.Problem, _Mapping]] = ..., progress: _Optional[_Union[_job_pb2.JobProgress, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SearchConceptResponse(_message.Message):
    __slots__ = ("search",)
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    search: ConceptSearch
    def __init__(self, search: _Optional[_Union[ConceptSearch, _Mapping]] = ...) -> None: ...

class GetConceptSearchRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetConceptSearchResponse(_message.Message):
    __slots__ = ("search",)
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    search: ConceptSearch
    def __init__(self, search: _Optional[_Union[ConceptSearch, _Mapping]] = ...) -> None: ...

class ConceptSearchSummary(_message.Message):
    __slots__ = ("id", "state", "job_id", "dataset_id", "negatives_id", "probe_set_id", "searched", "error", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    NEGATIVES_ID_FIELD_NUMBER: _ClassVar[int]
    PROBE_SET_ID_FIELD_NUMBER: _ClassVar[int]
    SEARCHED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: ConceptSearchState
    job_id: str
    dataset_id: str
    negatives_id: str
    probe_set_id: str
    searched: int
    error: _common_pb2.Problem
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[ConceptSearchState, str]] = ..., job_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., negatives_id: _Optional[str] = ..., probe_set_id: _Optional[str] = ..., searched: _Optional[int] = ..., error: _Optional[_Union[_common_pb2.Problem, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListConceptSearchesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: ConceptSearchState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[ConceptSearchState, str]] = ...) -> None: ...

class ListConceptSearchesResponse(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[ConceptSearchSummary]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[ConceptSearchSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListUnitsRequest(_message.Message):
    __slots__ = ("q", "page_size", "page_token")
    Q_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    q: str
    page_size: int
    page_token: str
    def __init__(self, q: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Unit(_message.Message):
    __slots__ = ("model_id", "name", "unit", "class_name")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    name: str
    unit: int
    class_name: str
    def __init__(self, model_id: _Optional[str] = ..., name: _Optional[str] = ..., unit: _Optional[int] = ..., class_name: _Optional[str] = ...) -> None: ...

class ListUnitsResponse(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Unit]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[Unit, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListSimilarUnitsRequest(_message.Message):
    __slots__ = ("id", "unit", "dataset_id", "k")
    ID_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    id: str
    unit: int
    dataset_id: str
    k: int
    def __init__(self, id: _Optional[str] = ..., unit: _Optional[int] = ..., dataset_id: _Optional[str] = ..., k: _Optional[int] = ...) -> None: ...

class SimilarUnit(_message.Message):
    __slots__ = ("rank", "model_id", "name", "unit", "class_name", "correlation")
    RANK_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_FIELD_NUMBER: _ClassVar[int]
    rank: int
    model_id: str
    name: str
    unit: int
    class_name: str
    correlation: float
    def __init__(self, rank: _Optional[int] = ..., model_id: _Optional[str] = ..., name: _Optional[str] = ..., unit: _Optional[int] = ..., class_name: _Optional[str] = ..., correlation: _Optional[float] = ...) -> None: ...

class ListSimilarUnitsResponse(_message.Message):
    __slots__ = ("model_id", "unit", "dataset_id", "searched_models", "left_out", "items")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    SEARCHED_MODELS_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    unit: int
    dataset_id: str
    searched_models: int
    left_out: int
    items: _containers.RepeatedCompositeFieldContainer[SimilarUnit]
    def __init__(self, model_id: _Optional[str] = ..., unit: _Optional[int] = ..., dataset_id: _Optional[str] = ..., searched_models: _Optional[int] = ..., left_out: _Optional[int] = ..., items: _Optional[_Iterable[_Union[SimilarUnit, _Mapping]]] = ...) -> None: ...
