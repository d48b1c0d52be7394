import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from service.rpc.stubs.zoo.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DatasetState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATASET_STATE_UNSPECIFIED: _ClassVar[DatasetState]
    DATASET_STATE_UPLOADED: _ClassVar[DatasetState]
    DATASET_STATE_CHECKING: _ClassVar[DatasetState]
    DATASET_STATE_READY: _ClassVar[DatasetState]
    DATASET_STATE_REJECTED: _ClassVar[DatasetState]
    DATASET_STATE_DAMAGED: _ClassVar[DatasetState]
DATASET_STATE_UNSPECIFIED: DatasetState
DATASET_STATE_UPLOADED: DatasetState
DATASET_STATE_CHECKING: DatasetState
DATASET_STATE_READY: DatasetState
DATASET_STATE_REJECTED: DatasetState
DATASET_STATE_DAMAGED: DatasetState

class DatasetManifest(_message.Message):
    __slots__ = ("name", "layout", "labels", "on_error", "license", "tags", "split", "label_folder", "label_column", "image_column", "encoding", "kind", "crop", "crop_box", "transcript_column", "clips_of")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ON_ERROR_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FOLDER_FIELD_NUMBER: _ClassVar[int]
    LABEL_COLUMN_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COLUMN_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CROP_FIELD_NUMBER: _ClassVar[int]
    CROP_BOX_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_COLUMN_FIELD_NUMBER: _ClassVar[int]
    CLIPS_OF_FIELD_NUMBER: _ClassVar[int]
    name: str
    layout: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    on_error: str
    license: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    split: str
    label_folder: str
    label_column: str
    image_column: str
    encoding: str
    kind: str
    crop: str
    crop_box: _containers.RepeatedScalarFieldContainer[float]
    transcript_column: str
    clips_of: str
    def __init__(self, name: _Optional[str] = ..., layout: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., on_error: _Optional[str] = ..., license: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., split: _Optional[str] = ..., label_folder: _Optional[str] = ..., label_column: _Optional[str] = ..., image_column: _Optional[str] = ..., encoding: _Optional[str] = ..., kind: _Optional[str] = ..., crop: _Optional[str] = ..., crop_box: _Optional[_Iterable[float]] = ..., transcript_column: _Optional[str] = ..., clips_of: _Optional[str] = ...) -> None: ...

class DatasetNote(_message.Message):
    __slots__ = ("code", "detail", "count", "names")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    count: int
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ..., count: _Optional[int] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class Dataset(_message.Message):
    __slots__ = ("id", "name", "state", "images", "labels", "sha256", "license", "tags", "problems", "created_at", "etag", "job_id", "canonical_side", "notes", "label_kind", "kind", "clips")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_SIDE_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    LABEL_KIND_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CLIPS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    state: DatasetState
    images: int
    labels: _containers.RepeatedScalarFieldContainer[str]
    sha256: str
    license: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    problems: _containers.RepeatedCompositeFieldContainer[_common_pb2.Problem]
    created_at: _timestamp_pb2.Timestamp
    etag: str
    job_id: str
    canonical_side: int
    notes: _containers.RepeatedCompositeFieldContainer[DatasetNote]
    label_kind: str
    kind: str
    clips: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[DatasetState, str]] = ..., images: _Optional[int] = ..., labels: _Optional[_Iterable[str]] = ..., sha256: _Optional[str] = ..., license: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., problems: _Optional[_Iterable[_Union[_common_pb2.Problem, _Mapping]]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., job_id: _Optional[str] = ..., canonical_side: _Optional[int] = ..., notes: _Optional[_Iterable[_Union[DatasetNote, _Mapping]]] = ..., label_kind: _Optional[str] = ..., kind: _Optional[str] = ..., clips: _Optional[int] = ...) -> None: ...

class ClipBox(_message.Message):
    __slots__ = ("left", "top", "width", "height")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    left: int
    top: int
    width: int
    height: int
    def __init__(self, left: _Optional[int] = ..., top: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...
