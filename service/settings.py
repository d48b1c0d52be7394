"""Settings: the one place that reads the environment (``ZOO_*``)."""

import os
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.core.client_addresses import Network, networks_in

_RATE = r"^[1-9][0-9]{0,11}/(second|minute|hour|day)$"
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


MetricsScope = Literal["read", "write", "jobs", "admin"]
"""Scopes of keys; the core's own enumeration would load the database's libraries."""


class Settings(BaseSettings):
    """All settings with their defaults; an empty address starts a private server."""

    model_config = SettingsConfigDict(env_prefix="ZOO_", frozen=True, extra="ignore")

    home: Path = Field(Path("~/.zooscope"), description="folder for all state on this machine")
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL with pgvector: postgresql://…; if unset, a private server"
    )
    database_timeout_seconds: float = Field(
        10.0,
        ge=4,
        description="longest time that a silent database holds a request, which then fails with 503",
    )
    statement_timeout_seconds: PositiveFloat = Field(
        60.0, description="longest run time of an SQL statement of a request or a job"
    )
    lock_timeout_seconds: PositiveFloat = Field(
        30.0, description="longest wait of an SQL statement for a lock"
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
    session_seconds: PositiveFloat = Field(
        12 * 3600.0, description="time after which a browser must sign in again"
    )
    sign_in_link_seconds: PositiveFloat = Field(
        900.0, description="time in which a one-time link of `zooscope up` must be opened"
    )
    trusted_proxies: str = Field(
        "",
        description="addresses and networks of proxies, separated by commas, whose X-Forwarded-For"
        " names the client",
    )
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
    job_memory_bytes: PositiveInt | None = Field(
        None,
        description="memory in bytes that one job may use on a CPU; if unset, an equal share of the machine",
    )
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
        24 * 3600.0,
        description="longest run time of any job; methods other than trainings have shorter limits",
    )
    method_timeouts: str = Field(
        "",
        pattern=r"^([a-z_]+=[0-9]+(\.[0-9]+)?(,[a-z_]+=[0-9]+(\.[0-9]+)?)*)?$",
        description="time limits of methods in seconds instead of their own: depara=7200,ranking=600",
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
    max_json_bytes: PositiveInt = Field(
        4 * MEBIBYTE,
        description="largest JSON in bytes where it holds long lists: manifests, accuracies,"
        " candidates; anything else has 64 KiB at most",
    )
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
    max_clip_bytes: PositiveInt = Field(500 * 10**6, description="largest clip file in bytes")
    max_clip_seconds: PositiveFloat = Field(600.0, description="longest clip in seconds")
    max_dataset_clips: PositiveInt = Field(
        5000, description="largest number of clips of a dataset"
    )
    disk_stop_percent: float = Field(
        90.0, gt=0, le=100, description="disk usage at which uploads are refused and jobs wait"
    )
    disk_resume_percent: float = Field(
        85.0, gt=0, le=100, description="disk usage below which uploads and jobs resume"
    )
    verify_bytes_per_second: PositiveInt = Field(
        64 * MEBIBYTE,
        description="bytes that a process verifies per second before it serves parts of files;"
        " whole files are always verified",
    )
    rate_limit: str = Field(
        "6000/minute",
        pattern=_RATE,
        description="request limit per API key: a number per second, minute, hour or day",
    )
    wrong_key_limit: str = Field(
        "20/minute",
        pattern=_RATE,
        description="limit of wrong API keys per client address; further keys are refused unread",
    )

    quota_bytes: NonNegativeInt | None = Field(
        None, description="bytes that a project may store; if unset, unlimited"
    )
    quota_models: NonNegativeInt | None = Field(
        None, description="number of models of a project; if unset, unlimited"
    )
    quota_datasets: NonNegativeInt | None = Field(
        None, description="number of datasets of a project; if unset, unlimited"
    )
    quota_images: NonNegativeInt | None = Field(
        None, description="number of images in all datasets of a project; if unset, unlimited"
    )
    quota_queued_jobs: NonNegativeInt | None = Field(
        None, description="number of queued jobs of a project; if unset, unlimited"
    )
    quota_running_jobs: NonNegativeInt | None = Field(
        None, description="number of jobs of a project that run at once; if unset, unlimited"
    )
    quota_job_seconds: NonNegativeInt | None = Field(
        None,
        description="seconds that jobs of a project may run within 24 hours; if unset, unlimited",
    )
    audit_retention_days: PositiveInt = Field(
        365, description="days after which rows of the audit log are deleted"
    )
    header_timeout_seconds: PositiveFloat = Field(
        10.0,
        description="time in which a new connection, and the headers of a request, must be complete",
    )
    idle_timeout_seconds: PositiveFloat = Field(
        30.0,
        description="longest silence between requests, and longest wait for a client that does not"
        " read its response",
    )
    body_timeout_seconds: PositiveFloat = Field(
        30.0,
        description="interval over which the rate of a body is measured; longest wait for a message"
        " of gRPC",
    )
    body_bytes_per_second: PositiveInt = Field(
        1024, description="lowest rate at which the body of a REST request may arrive"
    )
    max_connections: PositiveInt = Field(
        512, description="connections that REST and gRPC accept at once, each"
    )
    max_connections_per_address: PositiveInt = Field(
        256,
        description="connections that REST accepts at once from one address; a proxy in front of it"
        " is one address",
    )
    max_calls_per_address: PositiveInt = Field(
        56, description="calls that gRPC answers at once for one address, of 64 in all"
    )
    grpc_reflection: bool = Field(
        default=True, description="describe the gRPC services to every client that asks"
    )
    metrics_scope: MetricsScope | None = Field(
        None, description="scope that a key needs to read /metrics; if unset, no key is needed"
    )

    otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="URL of an OpenTelemetry collector that receives spans over OTLP/HTTP:"
        " http://collector:4318; if unset, no spans are recorded",
    )
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

    @field_validator("trusted_proxies")
    @classmethod
    def _lists_networks(cls, text: str) -> str:
        """Only addresses and networks may be trusted; names could mean anybody tomorrow."""
        networks_in(text)
        return text

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Networks of the proxies whose ``X-Forwarded-For`` counts."""
        return networks_in(self.trusted_proxies)

    @property
    def folder(self) -> Path:
        """``home`` as an absolute path."""
        return self.home.expanduser().resolve()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The Host headers that are answered."""
        hosts = self.allowed_hosts
        names = hosts.split(",") if isinstance(hosts, str) else hosts
        return tuple(name.strip() for name in names if name.strip())

    @property
    def method_seconds(self) -> dict[str, float]:
        """The time limits of methods that replace their own, by method."""
        entries = (entry.split("=") for entry in self.method_timeouts.split(",") if entry)
        return {method: float(seconds) for method, seconds in entries}

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
