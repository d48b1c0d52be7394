from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Quota(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUOTA_UNSPECIFIED: _ClassVar[Quota]
    QUOTA_BYTES: _ClassVar[Quota]
    QUOTA_MODELS: _ClassVar[Quota]
    QUOTA_DATASETS: _ClassVar[Quota]
    QUOTA_IMAGES: _ClassVar[Quota]
    QUOTA_QUEUED_JOBS: _ClassVar[Quota]
    QUOTA_RUNNING_JOBS: _ClassVar[Quota]
    QUOTA_JOB_SECONDS: _ClassVar[Quota]
QUOTA_UNSPECIFIED: Quota
QUOTA_BYTES: Quota
QUOTA_MODELS: Quota
QUOTA_DATASETS: Quota
QUOTA_IMAGES: Quota
QUOTA_QUEUED_JOBS: Quota
QUOTA_RUNNING_JOBS: Quota
QUOTA_JOB_SECONDS: Quota

class QuotaUse(_message.Message):
    __slots__ = ("quota", "limit", "used", "window_seconds")
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    quota: Quota
    limit: int
    used: int
    window_seconds: int
    def __init__(self, quota: _Optional[_Union[Quota, str]] = ..., limit: _Optional[int] = ..., used: _Optional[int] = ..., window_seconds: _Optional[int] = ...) -> None: ...

class Quotas(_message.Message):
    __slots__ = ("project", "items")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    project: str
    items: _containers.RepeatedCompositeFieldContainer[QuotaUse]
    def __init__(self, project: _Optional[str] = ..., items: _Optional[_Iterable[_Union[QuotaUse, _Mapping]]] = ...) -> None: ...

class GetQuotasRequest(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: str
    def __init__(self, project: _Optional[str] = ...) -> None: ...

class GetQuotasResponse(_message.Message):
    __slots__ = ("quotas",)
    QUOTAS_FIELD_NUMBER: _ClassVar[int]
    quotas: Quotas
    def __init__(self, quotas: _Optional[_Union[Quotas, _Mapping]] = ...) -> None: ...

class SetQuotasRequest(_message.Message):
    __slots__ = ("project", "bytes", "models", "datasets", "images", "queued_jobs", "running_jobs", "job_seconds", "reset")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    QUEUED_JOBS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_JOBS_FIELD_NUMBER: _ClassVar[int]
    JOB_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    project: str
    bytes: int
    models: int
    datasets: int
    images: int
    queued_jobs: int
    running_jobs: int
    job_seconds: int
    reset: _containers.RepeatedScalarFieldContainer[Quota]
    def __init__(self, project: _Optional[str] = ..., bytes: _Optional[int] = ..., models: _Optional[int] = ..., datasets: _Optional[int] = ..., images: _Optional[int] = ..., queued_jobs: _Optional[int] = ..., running_jobs: _Optional[int] = ..., job_seconds: _Optional[int] = ..., reset: _Optional[_Iterable[_Union[Quota, str]]] = ...) -> None: ...

class SetQuotasResponse(_message.Message):
    __slots__ = ("quotas",)
    QUOTAS_FIELD_NUMBER: _ClassVar[int]
    quotas: Quotas
    def __init__(self, quotas: _Optional[_Union[Quotas, _Mapping]] = ...) -> None: ...
