import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NewAccuracy(_message.Message):
    __slots__ = ("model", "dataset", "value", "unit", "metric", "protocol", "seed", "source")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    model: str
    dataset: str
    value: float
    unit: str
    metric: str
    protocol: str
    seed: int
    source: str
    def __init__(self, model: _Optional[str] = ..., dataset: _Optional[str] = ..., value: _Optional[float] = ..., unit: _Optional[str] = ..., metric: _Optional[str] = ..., protocol: _Optional[str] = ..., seed: _Optional[int] = ..., source: _Optional[str] = ...) -> None: ...

class Accuracy(_message.Message):
    __slots__ = ("id", "model", "dataset", "metric", "value", "protocol", "seed", "source", "job_id", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    model: str
    dataset: str
    metric: str
    value: float
    protocol: str
    seed: int
    source: str
    job_id: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., model: _Optional[str] = ..., dataset: _Optional[str] = ..., metric: _Optional[str] = ..., value: _Optional[float] = ..., protocol: _Optional[str] = ..., seed: _Optional[int] = ..., source: _Optional[str] = ..., job_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AddAccuraciesRequest(_message.Message):
    __slots__ = ("accuracies",)
    ACCURACIES_FIELD_NUMBER: _ClassVar[int]
    accuracies: _containers.RepeatedCompositeFieldContainer[NewAccuracy]
    def __init__(self, accuracies: _Optional[_Iterable[_Union[NewAccuracy, _Mapping]]] = ...) -> None: ...

class AddAccuraciesResponse(_message.Message):
    __slots__ = ("accuracies", "new")
    ACCURACIES_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    accuracies: _containers.RepeatedCompositeFieldContainer[Accuracy]
    new: int
    def __init__(self, accuracies: _Optional[_Iterable[_Union[Accuracy, _Mapping]]] = ..., new: _Optional[int] = ...) -> None: ...

class ListAccuraciesRequest(_message.Message):
    __slots__ = ("model", "dataset", "page_size", "page_token")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    model: str
    dataset: str
    page_size: int
    page_token: str
    def __init__(self, model: _Optional[str] = ..., dataset: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccuraciesResponse(_message.Message):
    __slots__ = ("accuracies", "next_page_token")
    ACCURACIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accuracies: _containers.RepeatedCompositeFieldContainer[Accuracy]
    next_page_token: str
    def __init__(self, accuracies: _Optional[_Iterable[_Union[Accuracy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteAccuracyRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeleteAccuracyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
