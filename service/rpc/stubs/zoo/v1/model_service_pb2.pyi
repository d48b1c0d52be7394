import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from service.rpc.stubs.zoo.v1 import common_pb2 as _common_pb2
from service.rpc.stubs.zoo.v1 import dataset_pb2 as _dataset_pb2
from service.rpc.stubs.zoo.v1 import job_pb2 as _job_pb2
from service.rpc.stubs.zoo.v1 import model_pb2 as _model_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelHeader(_message.Message):
    __slots__ = ("manifest", "filename", "sha256")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    manifest: _model_pb2.ModelManifest
    filename: str
    sha256: str
    def __init__(self, manifest: _Optional[_Union[_model_pb2.ModelManifest, _Mapping]] = ..., filename: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class CreateModelRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: ModelHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[ModelHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class CreateModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.Model
    def __init__(self, model: _Optional[_Union[_model_pb2.Model, _Mapping]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.Model
    def __init__(self, model: _Optional[_Union[_model_pb2.Model, _Mapping]] = ...) -> None: ...

class SetModelAliasRequest(_message.Message):
    __slots__ = ("id", "alias")
    ID_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    id: str
    alias: str
    def __init__(self, id: _Optional[str] = ..., alias: _Optional[str] = ...) -> None: ...

class SetModelAliasResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.Model
    def __init__(self, model: _Optional[_Union[_model_pb2.Model, _Mapping]] = ...) -> None: ...

class DeleteModelAliasRequest(_message.Message):
    __slots__ = ("id", "alias")
    ID_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    id: str
    alias: str
    def __init__(self, id: _Optional[str] = ..., alias: _Optional[str] = ...) -> None: ...

class DeleteModelAliasResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state", "task", "tag", "name", "q", "sort", "include", "size", "ids")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    Q_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: _model_pb2.ModelState
    task: str
    tag: str
    name: str
    q: str
    sort: str
    include: _containers.RepeatedScalarFieldContainer[str]
    size: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[_model_pb2.ModelState, str]] = ..., task: _Optional[str] = ..., tag: _Optional[str] = ..., name: _Optional[str] = ..., q: _Optional[str] = ..., sort: _Optional[str] = ..., include: _Optional[_Iterable[str]] = ..., size: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("items", "next_page_token", "total", "facets")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[_model_pb2.Model]
    next_page_token: str
    total: int
    facets: _containers.RepeatedCompositeFieldContainer[_common_pb2.Facet]
    def __init__(self, items: _Optional[_Iterable[_Union[_model_pb2.Model, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ..., facets: _Optional[_Iterable[_Union[_common_pb2.Facet, _Mapping]]] = ...) -> None: ...

class UpdateModelRequest(_message.Message):
    __slots__ = ("id", "etag", "name", "tags", "license", "task")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    name: str
    tags: _common_pb2.StringList
    license: str
    task: _common_pb2.Task
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ..., name: _Optional[str] = ..., tags: _Optional[_Union[_common_pb2.StringList, _Mapping]] = ..., license: _Optional[str] = ..., task: _Optional[_Union[_common_pb2.Task, _Mapping]] = ...) -> None: ...

class UpdateModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.Model
    def __init__(self, model: _Optional[_Union[_model_pb2.Model, _Mapping]] = ...) -> None: ...

class DeleteModelRequest(_message.Message):
    __slots__ = ("id", "etag")
    ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    id: str
    etag: str
    def __init__(self, id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DeleteModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DownloadModelRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DownloadModelResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class ListLayersRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ListLayersResponse(_message.Message):
    __slots__ = ("model_id", "items", "feature_layer")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_LAYER_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    items: _containers.RepeatedCompositeFieldContainer[_model_pb2.Layer]
    feature_layer: str
    def __init__(self, model_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[_model_pb2.Layer, _Mapping]]] = ..., feature_layer: _Optional[str] = ...) -> None: ...

class GetLineageRequest(_message.Message):
    __slots__ = ("id", "direction", "generations", "format", "theme")
    ID_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    GENERATIONS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    id: str
    direction: str
    generations: int
    format: str
    theme: str
    def __init__(self, id: _Optional[str] = ..., direction: _Optional[str] = ..., generations: _Optional[int] = ..., format: _Optional[str] = ..., theme: _Optional[str] = ...) -> None: ...

class LineageBudget(_message.Message):
    __slots__ = ("steps", "seconds")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    steps: int
    seconds: float
    def __init__(self, steps: _Optional[int] = ..., seconds: _Optional[float] = ...) -> None: ...

class LineageNode(_message.Message):
    __slots__ = ("id", "kind", "name", "state", "task", "parameters", "measured", "images", "seed", "budget")
    class MeasuredEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    name: str
    state: str
    task: str
    parameters: int
    measured: _containers.ScalarMap[str, float]
    images: int
    seed: int
    budget: LineageBudget
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[str] = ..., task: _Optional[str] = ..., parameters: _Optional[int] = ..., measured: _Optional[_Mapping[str, float]] = ..., images: _Optional[int] = ..., seed: _Optional[int] = ..., budget: _Optional[_Union[LineageBudget, _Mapping]] = ...) -> None: ...

class LineageEdge(_message.Message):
    __slots__ = ("source", "target", "role")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    source: str
    target: str
    role: str
    def __init__(self, source: _Optional[str] = ..., target: _Optional[str] = ..., role: _Optional[str] = ...) -> None: ...

class Lineage(_message.Message):
    __slots__ = ("model_id", "nodes", "edges", "notes")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    nodes: _containers.RepeatedCompositeFieldContainer[LineageNode]
    edges: _containers.RepeatedCompositeFieldContainer[LineageEdge]
    notes: _containers.RepeatedCompositeFieldContainer[_common_pb2.Problem]
    def __init__(self, model_id: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[LineageNode, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[LineageEdge, _Mapping]]] = ..., notes: _Optional[_Iterable[_Union[_common_pb2.Problem, _Mapping]]] = ...) -> None: ...

class GetLineageResponse(_message.Message):
    __slots__ = ("lineage", "chunk")
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    lineage: Lineage
    chunk: bytes
    def __init__(self, lineage: _Optional[_Union[Lineage, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class GetFamilyRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class FamilyEvidence(_message.Message):
    __slots__ = ("tensors", "equal_share", "cosine", "distances", "zeros", "levels", "relative_levels")
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    EQUAL_SHARE_FIELD_NUMBER: _ClassVar[int]
    COSINE_FIELD_NUMBER: _ClassVar[int]
    DISTANCES_FIELD_NUMBER: _ClassVar[int]
    ZEROS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_LEVELS_FIELD_NUMBER: _ClassVar[int]
    tensors: _containers.RepeatedScalarFieldContainer[int]
    equal_share: float
    cosine: float
    distances: _containers.RepeatedScalarFieldContainer[float]
    zeros: _containers.RepeatedScalarFieldContainer[float]
    levels: int
    relative_levels: int
    def __init__(self, tensors: _Optional[_Iterable[int]] = ..., equal_share: _Optional[float] = ..., cosine: _Optional[float] = ..., distances: _Optional[_Iterable[float]] = ..., zeros: _Optional[_Iterable[float]] = ..., levels: _Optional[int] = ..., relative_levels: _Optional[int] = ...) -> None: ...

class Relative(_message.Message):
    __slots__ = ("model_id", "name", "relation", "descent", "reason", "near_copy", "evidence", "confirmed", "confirmed_at")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    DESCENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NEAR_COPY_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    name: str
    relation: str
    descent: str
    reason: str
    near_copy: bool
    evidence: FamilyEvidence
    confirmed: str
    confirmed_at: _timestamp_pb2.Timestamp
    def __init__(self, model_id: _Optional[str] = ..., name: _Optional[str] = ..., relation: _Optional[str] = ..., descent: _Optional[str] = ..., reason: _Optional[str] = ..., near_copy: _Optional[bool] = ..., evidence: _Optional[_Union[FamilyEvidence, _Mapping]] = ..., confirmed: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetFamilyResponse(_message.Message):
    __slots__ = ("model_id", "relatives")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    RELATIVES_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    relatives: _containers.RepeatedCompositeFieldContainer[Relative]
    def __init__(self, model_id: _Optional[str] = ..., relatives: _Optional[_Iterable[_Union[Relative, _Mapping]]] = ...) -> None: ...

class ConfirmFamilyRequest(_message.Message):
    __slots__ = ("id", "relative_id", "descent")
    ID_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    DESCENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    relative_id: str
    descent: str
    def __init__(self, id: _Optional[str] = ..., relative_id: _Optional[str] = ..., descent: _Optional[str] = ...) -> None: ...

class ConfirmFamilyResponse(_message.Message):
    __slots__ = ("relative",)
    RELATIVE_FIELD_NUMBER: _ClassVar[int]
    relative: Relative
    def __init__(self, relative: _Optional[_Union[Relative, _Mapping]] = ...) -> None: ...

class ListNeighborsRequest(_message.Message):
    __slots__ = ("id", "dataset_id", "k", "edge_weight", "metric")
    ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    id: str
    dataset_id: str
    k: int
    edge_weight: float
    metric: str
    def __init__(self, id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., k: _Optional[int] = ..., edge_weight: _Optional[float] = ..., metric: _Optional[str] = ...) -> None: ...

class Neighbor(_message.Message):
    __slots__ = ("rank", "model_id", "name", "score", "node_similarity", "edge_similarity", "exact", "error")
    RANK_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    NODE_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    EDGE_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: float
    edge_similarity: float
    exact: bool
    error: float
    def __init__(self, rank: _Optional[int] = ..., model_id: _Optional[str] = ..., name: _Optional[str] = ..., score: _Optional[float] = ..., node_similarity: _Optional[float] = ..., edge_similarity: _Optional[float] = ..., exact: _Optional[bool] = ..., error: _Optional[float] = ...) -> None: ...

class ListNeighborsResponse(_message.Message):
    __slots__ = ("model_id", "dataset_id", "edge_weight", "items", "metric")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    EDGE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    dataset_id: str
    edge_weight: float
    items: _containers.RepeatedCompositeFieldContainer[Neighbor]
    metric: str
    def __init__(self, model_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., edge_weight: _Optional[float] = ..., items: _Optional[_Iterable[_Union[Neighbor, _Mapping]]] = ..., metric: _Optional[str] = ...) -> None: ...

class GetImageSimilaritiesRequest(_message.Message):
    __slots__ = ("id", "other_model_id", "dataset_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    other_model_id: str
    dataset_id: str
    def __init__(self, id: _Optional[str] = ..., other_model_id: _Optional[str] = ..., dataset_id: _Optional[str] = ...) -> None: ...

class ImageSimilarity(_message.Message):
    __slots__ = ("index", "similarity")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    index: int
    similarity: float
    def __init__(self, index: _Optional[int] = ..., similarity: _Optional[float] = ...) -> None: ...

class GetImageSimilaritiesResponse(_message.Message):
    __slots__ = ("model_id", "other_model_id", "dataset_id", "items")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    other_model_id: str
    dataset_id: str
    items: _containers.RepeatedCompositeFieldContainer[ImageSimilarity]
    def __init__(self, model_id: _Optional[str] = ..., other_model_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ImageSimilarity, _Mapping]]] = ...) -> None: ...

class GetAttributionRequest(_message.Message):
    __slots__ = ("id", "dataset_id", "index", "method", "layer", "style")
    ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    id: str
    dataset_id: str
    index: int
    method: str
    layer: str
    style: str
    def __init__(self, id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., index: _Optional[int] = ..., method: _Optional[str] = ..., layer: _Optional[str] = ..., style: _Optional[str] = ...) -> None: ...

class GetAttributionResponse(_message.Message):
    __slots__ = ("png",)
    PNG_FIELD_NUMBER: _ClassVar[int]
    png: bytes
    def __init__(self, png: _Optional[bytes] = ...) -> None: ...

class IndexList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...

class ImageRange(_message.Message):
    __slots__ = ("start", "stop")
    START_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    start: int
    stop: int
    def __init__(self, start: _Optional[int] = ..., stop: _Optional[int] = ...) -> None: ...

class CreateAttributionsRequest(_message.Message):
    __slots__ = ("model_ids", "dataset_id", "list", "range", "method", "layer", "style")
    MODEL_IDS_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    model_ids: _containers.RepeatedScalarFieldContainer[str]
    dataset_id: str
    list: IndexList
    range: ImageRange
    method: str
    layer: str
    style: str
    def __init__(self, model_ids: _Optional[_Iterable[str]] = ..., dataset_id: _Optional[str] = ..., list: _Optional[_Union[IndexList, _Mapping]] = ..., range: _Optional[_Union[ImageRange, _Mapping]] = ..., method: _Optional[str] = ..., layer: _Optional[str] = ..., style: _Optional[str] = ...) -> None: ...

class CreateAttributionsResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ...) -> None: ...

class PredictRequest(_message.Message):
    __slots__ = ("id", "images", "output", "layer", "top_k", "support", "support_dataset", "classes", "shots", "seed", "prior", "styles", "masks", "style_weights", "strength", "preserve_color", "stroke", "uniform_strokes", "format", "max_side", "style_dataset", "style_images", "clips", "clip_dataset", "clip_indices", "beam_width", "alternatives", "crop", "crop_box", "stroke_map", "sheet")
    ID_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_DATASET_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    SHOTS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PRIOR_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    MASKS_FIELD_NUMBER: _ClassVar[int]
    STYLE_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    PRESERVE_COLOR_FIELD_NUMBER: _ClassVar[int]
    STROKE_FIELD_NUMBER: _ClassVar[int]
    UNIFORM_STROKES_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MAX_SIDE_FIELD_NUMBER: _ClassVar[int]
    STYLE_DATASET_FIELD_NUMBER: _ClassVar[int]
    STYLE_IMAGES_FIELD_NUMBER: _ClassVar[int]
    CLIPS_FIELD_NUMBER: _ClassVar[int]
    CLIP_DATASET_FIELD_NUMBER: _ClassVar[int]
    CLIP_INDICES_FIELD_NUMBER: _ClassVar[int]
    BEAM_WIDTH_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    CROP_FIELD_NUMBER: _ClassVar[int]
    CROP_BOX_FIELD_NUMBER: _ClassVar[int]
    STROKE_MAP_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    id: str
    images: _containers.RepeatedScalarFieldContainer[bytes]
    output: str
    layer: str
    top_k: int
    support: _containers.RepeatedCompositeFieldContainer[SupportImage]
    support_dataset: str
    classes: _containers.RepeatedScalarFieldContainer[str]
    shots: int
    seed: int
    prior: float
    styles: _containers.RepeatedScalarFieldContainer[bytes]
    masks: _containers.RepeatedScalarFieldContainer[bytes]
    style_weights: _containers.RepeatedScalarFieldContainer[float]
    strength: float
    preserve_color: str
    stroke: float
    uniform_strokes: float
    format: str
    max_side: int
    style_dataset: str
    style_images: _containers.RepeatedScalarFieldContainer[int]
    clips: _containers.RepeatedScalarFieldContainer[bytes]
    clip_dataset: str
    clip_indices: _containers.RepeatedScalarFieldContainer[int]
    beam_width: int
    alternatives: int
    crop: str
    crop_box: _containers.RepeatedScalarFieldContainer[float]
    stroke_map: bytes
    sheet: bool
    def __init__(self, id: _Optional[str] = ..., images: _Optional[_Iterable[bytes]] = ..., output: _Optional[str] = ..., layer: _Optional[str] = ..., top_k: _Optional[int] = ..., support: _Optional[_Iterable[_Union[SupportImage, _Mapping]]] = ..., support_dataset: _Optional[str] = ..., classes: _Optional[_Iterable[str]] = ..., shots: _Optional[int] = ..., seed: _Optional[int] = ..., prior: _Optional[float] = ..., styles: _Optional[_Iterable[bytes]] = ..., masks: _Optional[_Iterable[bytes]] = ..., style_weights: _Optional[_Iterable[float]] = ..., strength: _Optional[float] = ..., preserve_color: _Optional[str] = ..., stroke: _Optional[float] = ..., uniform_strokes: _Optional[float] = ..., format: _Optional[str] = ..., max_side: _Optional[int] = ..., style_dataset: _Optional[str] = ..., style_images: _Optional[_Iterable[int]] = ..., clips: _Optional[_Iterable[bytes]] = ..., clip_dataset: _Optional[str] = ..., clip_indices: _Optional[_Iterable[int]] = ..., beam_width: _Optional[int] = ..., alternatives: _Optional[int] = ..., crop: _Optional[str] = ..., crop_box: _Optional[_Iterable[float]] = ..., stroke_map: _Optional[bytes] = ..., sheet: _Optional[bool] = ...) -> None: ...

class SupportImage(_message.Message):
    __slots__ = ("image", "label")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    label: str
    def __init__(self, image: _Optional[bytes] = ..., label: _Optional[str] = ...) -> None: ...

class ClassProbability(_message.Message):
    __slots__ = ("index", "name", "probability", "distance")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    index: int
    name: str
    probability: float
    distance: float
    def __init__(self, index: _Optional[int] = ..., name: _Optional[str] = ..., probability: _Optional[float] = ..., distance: _Optional[float] = ...) -> None: ...

class ImageClasses(_message.Message):
    __slots__ = ("image", "classes", "outside")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    image: int
    classes: _containers.RepeatedCompositeFieldContainer[ClassProbability]
    outside: bool
    def __init__(self, image: _Optional[int] = ..., classes: _Optional[_Iterable[_Union[ClassProbability, _Mapping]]] = ..., outside: _Optional[bool] = ...) -> None: ...

class SupportClass(_message.Message):
    __slots__ = ("name", "shots", "distinct", "spread")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHOTS_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    name: str
    shots: int
    distinct: int
    spread: float
    def __init__(self, name: _Optional[str] = ..., shots: _Optional[int] = ..., distinct: _Optional[int] = ..., spread: _Optional[float] = ...) -> None: ...

class SupportFacts(_message.Message):
    __slots__ = ("classes", "notes")
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    classes: _containers.RepeatedCompositeFieldContainer[SupportClass]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, classes: _Optional[_Iterable[_Union[SupportClass, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class Prediction(_message.Message):
    __slots__ = ("model_id", "output", "items", "support")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    output: str
    items: _containers.RepeatedCompositeFieldContainer[ImageClasses]
    support: SupportFacts
    def __init__(self, model_id: _Optional[str] = ..., output: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ImageClasses, _Mapping]]] = ..., support: _Optional[_Union[SupportFacts, _Mapping]] = ...) -> None: ...

class Pictures(_message.Message):
    __slots__ = ("png",)
    PNG_FIELD_NUMBER: _ClassVar[int]
    png: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, png: _Optional[_Iterable[bytes]] = ...) -> None: ...

class TokenText(_message.Message):
    __slots__ = ("text", "log_probability", "start_seconds", "end_seconds")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LOG_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    START_SECONDS_FIELD_NUMBER: _ClassVar[int]
    END_SECONDS_FIELD_NUMBER: _ClassVar[int]
    text: str
    log_probability: float
    start_seconds: float
    end_seconds: float
    def __init__(self, text: _Optional[str] = ..., log_probability: _Optional[float] = ..., start_seconds: _Optional[float] = ..., end_seconds: _Optional[float] = ...) -> None: ...

class AlternativeText(_message.Message):
    __slots__ = ("text", "score", "finished")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    text: str
    score: float
    finished: bool
    def __init__(self, text: _Optional[str] = ..., score: _Optional[float] = ..., finished: _Optional[bool] = ...) -> None: ...

class StageText(_message.Message):
    __slots__ = ("stage", "score", "finished", "tokens")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    stage: str
    score: float
    finished: bool
    tokens: _containers.RepeatedCompositeFieldContainer[TokenText]
    def __init__(self, stage: _Optional[str] = ..., score: _Optional[float] = ..., finished: _Optional[bool] = ..., tokens: _Optional[_Iterable[_Union[TokenText, _Mapping]]] = ...) -> None: ...

class OracleText(_message.Message):
    __slots__ = ("true_stages", "text", "character_error_rate")
    TRUE_STAGES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_ERROR_RATE_FIELD_NUMBER: _ClassVar[int]
    true_stages: _containers.RepeatedScalarFieldContainer[str]
    text: str
    character_error_rate: float
    def __init__(self, true_stages: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ..., character_error_rate: _Optional[float] = ...) -> None: ...

class ClipFacts(_message.Message):
    __slots__ = ("seconds", "frames", "frames_per_second", "mel_frames", "width", "height", "rotation", "faces", "box", "remarks")
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    FRAMES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MEL_FRAMES_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ROTATION_FIELD_NUMBER: _ClassVar[int]
    FACES_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    REMARKS_FIELD_NUMBER: _ClassVar[int]
    seconds: float
    frames: int
    frames_per_second: float
    mel_frames: int
    width: int
    height: int
    rotation: int
    faces: int
    box: _dataset_pb2.ClipBox
    remarks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, seconds: _Optional[float] = ..., frames: _Optional[int] = ..., frames_per_second: _Optional[float] = ..., mel_frames: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., rotation: _Optional[int] = ..., faces: _Optional[int] = ..., box: _Optional[_Union[_dataset_pb2.ClipBox, _Mapping]] = ..., remarks: _Optional[_Iterable[str]] = ...) -> None: ...

class ClipProblem(_message.Message):
    __slots__ = ("code", "detail", "remedy")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    remedy: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ..., remedy: _Optional[str] = ...) -> None: ...

class ClipText(_message.Message):
    __slots__ = ("clip", "index", "name", "text", "score", "finished", "tokens", "alternatives", "transcript", "character_error_rate", "facts", "attention_png", "problem", "stages", "pinyin", "aligned", "oracles")
    CLIP_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_ERROR_RATE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_PNG_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    PINYIN_FIELD_NUMBER: _ClassVar[int]
    ALIGNED_FIELD_NUMBER: _ClassVar[int]
    ORACLES_FIELD_NUMBER: _ClassVar[int]
    clip: int
    index: int
    name: str
    text: str
    score: float
    finished: bool
    tokens: _containers.RepeatedCompositeFieldContainer[TokenText]
    alternatives: _containers.RepeatedCompositeFieldContainer[AlternativeText]
    transcript: str
    character_error_rate: float
    facts: ClipFacts
    attention_png: bytes
    problem: ClipProblem
    stages: _containers.RepeatedCompositeFieldContainer[StageText]
    pinyin: _containers.RepeatedScalarFieldContainer[str]
    aligned: bool
    oracles: _containers.RepeatedCompositeFieldContainer[OracleText]
    def __init__(self, clip: _Optional[int] = ..., index: _Optional[int] = ..., name: _Optional[str] = ..., text: _Optional[str] = ..., score: _Optional[float] = ..., finished: _Optional[bool] = ..., tokens: _Optional[_Iterable[_Union[TokenText, _Mapping]]] = ..., alternatives: _Optional[_Iterable[_Union[AlternativeText, _Mapping]]] = ..., transcript: _Optional[str] = ..., character_error_rate: _Optional[float] = ..., facts: _Optional[_Union[ClipFacts, _Mapping]] = ..., attention_png: _Optional[bytes] = ..., problem: _Optional[_Union[ClipProblem, _Mapping]] = ..., stages: _Optional[_Iterable[_Union[StageText, _Mapping]]] = ..., pinyin: _Optional[_Iterable[str]] = ..., aligned: _Optional[bool] = ..., oracles: _Optional[_Iterable[_Union[OracleText, _Mapping]]] = ...) -> None: ...

class Texts(_message.Message):
    __slots__ = ("model_id", "output", "items")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    output: str
    items: _containers.RepeatedCompositeFieldContainer[ClipText]
    def __init__(self, model_id: _Optional[str] = ..., output: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ClipText, _Mapping]]] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("classes", "pictures", "npy", "texts")
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    NPY_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    classes: Prediction
    pictures: Pictures
    npy: bytes
    texts: Texts
    def __init__(self, classes: _Optional[_Union[Prediction, _Mapping]] = ..., pictures: _Optional[_Union[Pictures, _Mapping]] = ..., npy: _Optional[bytes] = ..., texts: _Optional[_Union[Texts, _Mapping]] = ...) -> None: ...
