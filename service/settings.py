"""Settings: the one place that reads the environment (``ZOO_*``)."""

import os
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3


class Device(StrEnum):
    """Device on which a worker runs jobs."""

    CPU = "cpu"
    CUDA = "cuda"


class LogFormat(StrEnum):
    """Format of log lines: text for people, or one JSON object per line."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """Lowest severity that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Settings(BaseSettings):
    """All settings with their defaults; an empty address starts a private server."""

    model_config = SettingsConfigDict(env_prefix="ZOO_", frozen=True, extra="ignore")

    home: Path = Field(Path("~/.zooscope"), description="folder for all state on this machine")
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL with pgvector: postgresql://…; if unset, a private server"
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis broker: redis://…; if unset, a private server"
    )
    storage_url: str | None = Field(
        None,
        description="file storage: a folder, or s3://bucket/prefix; if unset, a folder in the home",
    )
    storage_endpoint: str | None = Field(None, description="URL of an S3-compatible server")

    host: str = Field("127.0.0.1", description="address that REST and gRPC listen on")
    port: int = Field(
        8080,
        ge=0,
        lt=65536,
        description="REST port; if unset and in use, the next free one; 0 for any free one",
    )
    grpc_port: int = Field(
        50051,
        ge=0,
        lt=65536,
        description="gRPC port; if unset and in use, the next free one; 0 for any free one",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] | str = Field(
        "localhost,127.0.0.1,[::1]", description="accepted Host headers, separated by commas"
    )
    auth: bool = Field(default=True, description="require an API key with every request")
    page_token_secret: SecretStr | None = Field(
        None, description="secret that signs page tokens; if unset, generated in the home"
    )

    device: Device = Field(
        Device.CPU, description="device of the worker, cpu or cuda; selects the queues it serves"
    )
    worker_concurrency: PositiveInt = Field(
        2, description="number of jobs that a worker runs at once"
    )
    worker_threads: PositiveInt = Field(1, description="number of torch threads per job")
    lease_seconds: PositiveFloat = Field(
        30.0, description="seconds after which a silent worker loses its job"
    )
    heartbeat_seconds: PositiveFloat = Field(
        10.0, description="interval at which a worker renews its lease"
    )
    reaper_interval_seconds: PositiveFloat = Field(
        5.0,
        description="interval at which lost jobs are requeued and waiting jobs announced again",
    )
    job_timeout_seconds: PositiveFloat = Field(
        24 * 3600.0, description="longest run time of a job"
    )
    shutdown_grace_seconds: float = Field(
        30.0,
        ge=0,
        description="time that a stopping worker gives running jobs before it requeues them",
    )
    predict_timeout_seconds: PositiveFloat = Field(
        30.0, description="longest wait for a prediction"
    )
    require_sandbox: bool = Field(
        default=False, description="refuse to run jobs if a sandbox layer is missing"
    )

    max_model_bytes: PositiveInt = Field(8 * GIBIBYTE, description="largest model file in bytes")
    max_dataset_bytes: PositiveInt = Field(
        8 * GIBIBYTE, description="largest image archive in bytes"
    )
    max_json_bytes: PositiveInt = Field(16 * MEBIBYTE, description="largest JSON body in bytes")
    max_parameters: PositiveInt = Field(
        2 * 10**9, description="largest number of parameters of a network"
    )
    max_loaded_bytes: PositiveInt = Field(
        2 * GIBIBYTE, description="bytes of weights that a worker keeps loaded for predictions"
    )
    max_image_bytes: PositiveInt = Field(20 * 10**6, description="largest image file in bytes")
    max_image_pixels: PositiveInt = Field(
        25 * 10**6, description="largest image in pixels, width times height"
    )
    max_probe_images: PositiveInt = Field(
        4096, description="largest number of images of a probe set"
    )
    max_dataset_images: PositiveInt = Field(
        100_000, description="largest number of images of a dataset"
    )
    disk_stop_percent: float = Field(
        90.0, gt=0, le=100, description="disk usage at which writes stop"
    )
    disk_resume_percent: float = Field(
        85.0, gt=0, le=100, description="disk usage at which writes resume"
    )
    rate_limit: str = Field("6000/minute", description="request limit per API key")

    log_format: LogFormat = Field(LogFormat.TEXT, description="log format: text or json")
    log_level: LogLevel = Field(LogLevel.INFO, description="lowest severity that is logged")

    @model_validator(mode="after")
    def _keys_on_public_addresses(self) -> Self:
        """Without keys, only this machine may ask."""
        if not self.auth and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(
                f"ZOO_AUTH=false with ZOO_HOST={self.host} would let anybody in; "
                "keep the keys, or listen on 127.0.0.1"
            )
        return self

    @property
    def folder(self) -> Path:
        """``home`` as an absolute path."""
        return self.home.expanduser().resolve()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The Host headers that are answered."""
        given = self.allowed_hosts
        names = given.split(",") if isinstance(given, str) else given
        return tuple(name.strip() for name in names if name.strip())

    @property
    def queue(self) -> str:
        """Name of the queue that only workers with this device serve."""
        return "gpu" if self.device is Device.CUDA else "cpu"

    @property
    def queues(self) -> tuple[str, ...]:
        """Queues a worker with this device serves: one with a GPU takes every job."""
        return ("gpu", "cpu") if self.device is Device.CUDA else ("cpu",)


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process reads the same settings.

    It is this process's own, with every setting spelled out that was chosen and has a value; a
    default stays one.
    """
    spelled = {
        f"ZOO_{name.upper()}": _spelled(value)
        for name, value in settings
        if name in settings.model_fields_set and value is not None
    }
    return {**os.environ, **spelled}  # noqa: TID251


def _spelled(value: object) -> str:
    """A setting's value the way it stands in the environment."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Enum():
            return str(value.value)
        case tuple():
            return ",".join(str(item) for item in value)
        case _:
            return str(value)
