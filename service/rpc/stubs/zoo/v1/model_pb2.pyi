import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from service.rpc.stubs.zoo.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_STATE_UNSPECIFIED: _ClassVar[ModelState]
    MODEL_STATE_PENDING: _ClassVar[ModelState]
    MODEL_STATE_UPLOADED: _ClassVar[ModelState]
    MODEL_STATE_CHECKING: _ClassVar[ModelState]
    MODEL_STATE_READY: _ClassVar[ModelState]
    MODEL_STATE_REJECTED: _ClassVar[ModelState]
    MODEL_STATE_DAMAGED: _ClassVar[ModelState]
MODEL_STATE_UNSPECIFIED: ModelState
MODEL_STATE_PENDING: ModelState
MODEL_STATE_UPLOADED: ModelState
MODEL_STATE_CHECKING: ModelState
MODEL_STATE_READY: ModelState
MODEL_STATE_REJECTED: ModelState
MODEL_STATE_DAMAGED: ModelState

class InputSpec(_message.Message):
    __slots__ = ("channels", "height", "width", "range", "mean", "std", "channel_order")
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STD_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ORDER_FIELD_NUMBER: _ClassVar[int]
    channels: int
    height: int
    width: int
    range: _containers.RepeatedScalarFieldContainer[float]
    mean: _containers.RepeatedScalarFieldContainer[float]
    std: _containers.RepeatedScalarFieldContainer[float]
    channel_order: str
    def __init__(self, channels: _Optional[int] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., range: _Optional[_Iterable[float]] = ..., mean: _Optional[_Iterable[float]] = ..., std: _Optional[_Iterable[float]] = ..., channel_order: _Optional[str] = ...) -> None: ...

class Architecture(_message.Message):
    __slots__ = ("library", "name", "arguments")
    LIBRARY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    library: str
    name: str
    arguments: _struct_pb2.Struct
    def __init__(self, library: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class StylizerHead(_message.Message):
    __slots__ = ("network", "width")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    network: str
    width: int
    def __init__(self, network: _Optional[str] = ..., width: _Optional[int] = ...) -> None: ...

class FewShotHead(_message.Message):
    __slots__ = ("units", "prior", "scale", "outside_distance")
    UNITS_FIELD_NUMBER: _ClassVar[int]
    PRIOR_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    units: int
    prior: float
    scale: float
    outside_distance: float
    def __init__(self, units: _Optional[int] = ..., prior: _Optional[float] = ..., scale: _Optional[float] = ..., outside_distance: _Optional[float] = ...) -> None: ...

class ModelManifest(_message.Message):
    __slots__ = ("name", "format", "task", "input", "architecture", "classes", "feature_layer", "trained_on", "license", "tags", "source", "revision", "output", "few_shot", "stylizer")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    FEATURE_LAYER_FIELD_NUMBER: _ClassVar[int]
    TRAINED_ON_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    FEW_SHOT_FIELD_NUMBER: _ClassVar[int]
    STYLIZER_FIELD_NUMBER: _ClassVar[int]
    name: str
    format: str
    task: _common_pb2.Task
    input: InputSpec
    architecture: Architecture
    classes: _containers.RepeatedScalarFieldContainer[str]
    feature_layer: str
    trained_on: str
    license: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    source: str
    revision: str
    output: str
    few_shot: FewShotHead
    stylizer: StylizerHead
    def __init__(self, name: _Optional[str] = ..., format: _Optional[str] = ..., task: _Optional[_Union[_common_pb2.Task, _Mapping]] = ..., input: _Optional[_Union[InputSpec, _Mapping]] = ..., architecture: _Optional[_Union[Architecture, _Mapping]] = ..., classes: _Optional[_Iterable[str]] = ..., feature_layer: _Optional[str] = ..., trained_on: _Optional[str] = ..., license: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., source: _Optional[str] = ..., revision: _Optional[str] = ..., output: _Optional[str] = ..., few_shot: _Optional[_Union[FewShotHead, _Mapping]] = ..., stylizer: _Optional[_Union[StylizerHead, _Mapping]] = ...) -> None: ...

class ModelOutput(_message.Message):
    __slots__ = ("name", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Reader(_message.Message):
    __slots__ = ("modality", "tokens", "stages", "pinyin_from")
    MODALITY_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    PINYIN_FROM_FIELD_NUMBER: _ClassVar[int]
    modality: str
    tokens: int
    stages: _containers.RepeatedScalarFieldContainer[str]
    pinyin_from: str
    def __init__(self, modality: _Optional[str] = ..., tokens: _Optional[int] = ..., stages: _Optional[_Iterable[str]] = ..., pinyin_from: _Optional[str] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("id", "name", "state", "task", "format", "architecture", "input", "classes", "feature_layer", "parameters", "flops", "sha256", "size_bytes", "tags", "license", "trained_on", "problems", "lineage", "created_at", "etag", "job_id", "output_kind", "peak_bytes", "gradient_peak_bytes", "source", "revision", "version", "aliases", "outputs", "output", "output_scale", "weights_sha256", "same_weights_as", "few_shot", "stylizer", "reader", "latency_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    FEATURE_LAYER_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    FLOPS_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    TRAINED_ON_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_KIND_FIELD_NUMBER: _ClassVar[int]
    PEAK_BYTES_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_PEAK_BYTES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCALE_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_SHA256_FIELD_NUMBER: _ClassVar[int]
    SAME_WEIGHTS_AS_FIELD_NUMBER: _ClassVar[int]
    FEW_SHOT_FIELD_NUMBER: _ClassVar[int]
    STYLIZER_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    state: ModelState
    task: _common_pb2.Task
    format: str
    architecture: Architecture
    input: InputSpec
    classes: _containers.RepeatedScalarFieldContainer[str]
    feature_layer: str
    parameters: int
    flops: int
    sha256: str
    size_bytes: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    license: str
    trained_on: str
    problems: _containers.RepeatedCompositeFieldContainer[_common_pb2.Problem]
    lineage: _struct_pb2.Struct
    created_at: _timestamp_pb2.Timestamp
    etag: str
    job_id: str
    output_kind: str
    peak_bytes: int
    gradient_peak_bytes: int
    source: str
    revision: str
    version: int
    aliases: _containers.RepeatedScalarFieldContainer[str]
    outputs: _containers.RepeatedCompositeFieldContainer[ModelOutput]
    output: str
    output_scale: str
    weights_sha256: str
    same_weights_as: _containers.RepeatedScalarFieldContainer[str]
    few_shot: FewShotHead
    stylizer: StylizerHead
    reader: Reader
    latency_ms: float
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[ModelState, str]] = ..., task: _Optional[_Union[_common_pb2.Task, _Mapping]] = ..., format: _Optional[str] = ..., architecture: _Optional[_Union[Architecture, _Mapping]] = ..., input: _Optional[_Union[InputSpec, _Mapping]] = ..., classes: _Optional[_Iterable[str]] = ..., feature_layer: _Optional[str] = ..., parameters: _Optional[int] = ..., flops: _Optional[int] = ..., sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., license: _Optional[str] = ..., trained_on: _Optional[str] = ..., problems: _Optional[_Iterable[_Union[_common_pb2.Problem, _Mapping]]] = ..., lineage: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., job_id: _Optional[str] = ..., output_kind: _Optional[str] = ..., peak_bytes: _Optional[int] = ..., gradient_peak_bytes: _Optional[int] = ..., source: _Optional[str] = ..., revision: _Optional[str] = ..., version: _Optional[int] = ..., aliases: _Optional[_Iterable[str]] = ..., outputs: _Optional[_Iterable[_Union[ModelOutput, _Mapping]]] = ..., output: _Optional[str] = ..., output_scale: _Optional[str] = ..., weights_sha256: _Optional[str] = ..., same_weights_as: _Optional[_Iterable[str]] = ..., few_shot: _Optional[_Union[FewShotHead, _Mapping]] = ..., stylizer: _Optional[_Union[StylizerHead, _Mapping]] = ..., reader: _Optional[_Union[Reader, _Mapping]] = ..., latency_ms: _Optional[float] = ...) -> None: ...

class Layer(_message.Message):
    __slots__ = ("name", "kind", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...
