from service.rpc.stubs.zoo.v1 import common_pb2 as _common_pb2
from service.rpc.stubs.zoo.v1 import dataset_pb2 as _dataset_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DatasetHeader(_message.Message):
    __slots__ = ("manifest", "filename", "sha256")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    manifest: _dataset_pb2.DatasetManifest
    filename: str
    sha256: str
    def __init__(self, manifest: _Optional[_Union[_dataset_pb2.DatasetManifest, _Mapping]] = ..., filename: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class CreateDatasetRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: DatasetHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[DatasetHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class CreateDatasetResponse(_message.Message):
    __slots__ = ("dataset",)
    DATASET_FIELD_NUMBER: _ClassVar[int]
    dataset: _dataset_pb2.Dataset
    def __init__(self, dataset: _Optional[_Union[_dataset_pb2.Dataset, _Mapping]] = ...) -> None: ...

class GetDatasetRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetDatasetResponse(_message.Message):
    __slots__ = ("dataset",)
    DATASET_FIELD_NUMBER: _ClassVar[int]
    dataset: _dataset_pb2.Dataset
    def __init__(self, dataset: _Optional[_Union[_dataset_pb2.Dataset, _Mapping]] = ...) -> None: ...

class ListDatasetsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state", "name", "q", "sort", "include", "size", "tag", "kind")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    Q_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: _dataset_pb2.DatasetState
    name: str
    q: str
    sort: str
    include: _containers.RepeatedScalarFieldContainer[str]
    size: str
    tag: str
    kind: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[_dataset_pb2.DatasetState, str]] = ..., name: _Optional[str] = ..., q: _Optional[str] = ..., sort: _Optional[str] = ..., include: _Optional[_Iterable[str]] = ..., size: _Optional[str] = ..., tag: _Optional[str] = ..., kind: _Optional[str] = ...) -> None: ...

class ListDatasetsResponse(_message.Message):
    __slots__ = ("items", "next_page_token", "total", "facets")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[_dataset_pb2.Dataset]
    next_page_token: str
    total: int
    facets: _containers.RepeatedCompositeFieldContainer[_common_pb2.Facet]
    def __init__(self, items: _Optional[_Iterable[_Union[_dataset_pb2.Dataset, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ..., facets: _Optional[_Iterable[_Union[_common_pb2.Facet, _Mapping]]] = ...) -> None: ...

class DeleteDatasetRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeleteDatasetResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetImageRequest(_message.Message):
    __slots__ = ("id", "index")
    ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    id: str
    index: int
    def __init__(self, id: _Optional[str] = ..., index: _Optional[int] = ...) -> None: ...

class ImageInfo(_message.Message):
    __slots__ = ("name", "media_type", "width", "height", "sha256", "label", "size_bytes", "index", "labels", "mask_sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    MASK_SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    media_type: str
    width: int
    height: int
    sha256: str
    label: int
    size_bytes: int
    index: int
    labels: _containers.RepeatedScalarFieldContainer[int]
    mask_sha256: str
    def __init__(self, name: _Optional[str] = ..., media_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., sha256: _Optional[str] = ..., label: _Optional[int] = ..., size_bytes: _Optional[int] = ..., index: _Optional[int] = ..., labels: _Optional[_Iterable[int]] = ..., mask_sha256: _Optional[str] = ...) -> None: ...

class GetImageResponse(_message.Message):
    __slots__ = ("info", "chunk")
    INFO_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    info: ImageInfo
    chunk: bytes
    def __init__(self, info: _Optional[_Union[ImageInfo, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ListClipsRequest(_message.Message):
    __slots__ = ("id", "page_size", "page_token")
    ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    page_size: int
    page_token: str
    def __init__(self, id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Clip(_message.Message):
    __slots__ = ("index", "name", "transcript", "pinyin", "speaker", "seconds", "frames", "frames_per_second", "mel_frames", "width", "height", "rotation", "faces", "box", "remarks", "sha256", "poster", "mel")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    PINYIN_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_FIELD_NUMBER: _ClassVar[int]
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
    SHA256_FIELD_NUMBER: _ClassVar[int]
    POSTER_FIELD_NUMBER: _ClassVar[int]
    MEL_FIELD_NUMBER: _ClassVar[int]
    index: int
    name: str
    transcript: str
    pinyin: _containers.RepeatedScalarFieldContainer[str]
    speaker: str
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
    sha256: str
    poster: str
    mel: str
    def __init__(self, index: _Optional[int] = ..., name: _Optional[str] = ..., transcript: _Optional[str] = ..., pinyin: _Optional[_Iterable[str]] = ..., speaker: _Optional[str] = ..., seconds: _Optional[float] = ..., frames: _Optional[int] = ..., frames_per_second: _Optional[float] = ..., mel_frames: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., rotation: _Optional[int] = ..., faces: _Optional[int] = ..., box: _Optional[_Union[_dataset_pb2.ClipBox, _Mapping]] = ..., remarks: _Optional[_Iterable[str]] = ..., sha256: _Optional[str] = ..., poster: _Optional[str] = ..., mel: _Optional[str] = ...) -> None: ...

class ListClipsResponse(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Clip]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[Clip, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetClipPictureRequest(_message.Message):
    __slots__ = ("id", "index", "picture")
    ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    id: str
    index: int
    picture: str
    def __init__(self, id: _Optional[str] = ..., index: _Optional[int] = ..., picture: _Optional[str] = ...) -> None: ...

class GetClipPictureResponse(_message.Message):
    __slots__ = ("png",)
    PNG_FIELD_NUMBER: _ClassVar[int]
    png: bytes
    def __init__(self, png: _Optional[bytes] = ...) -> None: ...

class GetMaskRequest(_message.Message):
    __slots__ = ("id", "index")
    ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    id: str
    index: int
    def __init__(self, id: _Optional[str] = ..., index: _Optional[int] = ...) -> None: ...

class MaskInfo(_message.Message):
    __slots__ = ("media_type", "width", "height", "sha256", "size_bytes", "index")
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    width: int
    height: int
    sha256: str
    size_bytes: int
    index: int
    def __init__(self, media_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class GetMaskResponse(_message.Message):
    __slots__ = ("info", "chunk")
    INFO_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    info: MaskInfo
    chunk: bytes
    def __init__(self, info: _Optional[_Union[MaskInfo, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...
