"""Composition root: builds a working Zoo from settings. The APIs, scheduler and workers start here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from service.adapters.damage_log import DatabaseDamageLog
from service.adapters.graph_files import GraphFiles
from service.adapters.object_store import blob_store, folder_at
from service.adapters.response_files import ResponseFiles
from service.adapters.spans import NO_SPANS, Spans
from service.adapters.verified_blobs import VerifiedBlobs, VerifyBudget
from service.core.blobs import BlobStore
from service.core.errors import UnavailableError
from service.core.operations.access import audited_calls
from service.core.operations.concepts.likeness import ResponseComparer
from service.core.operations.job_owners import JobOwners
from service.core.operations.jobs.observer import JOB_OBSERVER
from service.core.operations.neighbors.closeness import GraphComparer
from service.core.operations.quotas.limits import QUOTA_DEFAULTS, Quota
from service.core.private_files import private_folder
from service.core.staging import DiskGuard
from service.database import DatabaseLimits, engine_for
from service.settings import Settings


@dataclass(frozen=True)
class Zoo:
    """The components that every process of the zoo shares."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    blobs: VerifiedBlobs
    comparer: GraphComparer
    responses: ResponseComparer
    spans: Spans = NO_SPANS

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block returns and rolls back when it raises.

        What a call of an API changes is committed together with the call's row in the audit log.
        """
        with self.sessions.begin() as session:
            yield session
            call = audited_calls.record_change(session)
        if call is not None:
            call.recorded = True

    @property
    def staging(self) -> Path:
        """Folder of unfinished uploads."""
        return self._ensured_folder("staging")

    @property
    def scratch(self) -> Path:
        """Folder of the working directories of running jobs."""
        return self._ensured_folder("scratch")

    def disk_guard(self, folder: Path) -> DiskGuard:
        """A guard of the disks that hold ``folder`` and, if it is a folder, the store."""
        store = folder_at(self.settings.storage_url or str(self.settings.folder / "blobs"))
        return DiskGuard(
            folder,
            *([] if store is None else [store]),
            stop_percent=self.settings.disk_stop_percent,
            resume_percent=self.settings.disk_resume_percent,
        )

    def _ensured_folder(self, name: str) -> Path:
        private_folder(self.settings.folder)
        return private_folder(self.settings.folder / name)

    def close(self) -> None:
        """Close the database connections; one that a thread still uses closes when it is returned.

        Spans that wait to be sent get two seconds.
        """
        self.spans.close()
        event.listen(self.engine, "checkin", _close)
        self.engine.dispose()


def _close(_connection: object, record: ConnectionPoolEntry) -> None:
    """Close a connection that returns after its pool was disposed."""
    record.invalidate()


def database_url(settings: Settings) -> str:
    """The database URL with SQLAlchemy's driver name."""
    if settings.database_url is None:
        raise UnavailableError(
            "no database is configured",
            code="database_not_set",
            remedy="set ZOO_DATABASE_URL, or start everything with `zooscope up`",
        )
    url = settings.database_url.get_secret_value()
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def store_of(settings: Settings) -> BlobStore:
    """The object store alone, which verifies nothing."""
    url = settings.storage_url or str(settings.folder / "blobs")
    return blob_store(url, endpoint=settings.storage_endpoint)


def database_limits(settings: Settings) -> DatabaseLimits:
    """How long this process waits for the database."""
    return DatabaseLimits(
        answer=settings.database_timeout_seconds,
        statement=settings.statement_timeout_seconds,
        lock=settings.lock_timeout_seconds,
    )


def require_telemetry(settings: Settings) -> None:
    """OpenTelemetry is installed, or the settings do not need it. Raises UnavailableError."""
    if settings.otlp_endpoint is None:
        return
    try:
        import service.adapters.otlp_spans  # noqa: F401 - this imports OpenTelemetry
    except ImportError as error:
        raise UnavailableError(
            f"ZOO_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: {error}",
            code="telemetry_not_installed",
            remedy="pip install 'zooscope[telemetry]', or unset ZOO_OTLP_ENDPOINT",
        ) from error


def spans_of(settings: Settings, process: str) -> Spans:
    """The spans of the process with this name in traces; it records none without an endpoint.

    Raises:
        UnavailableError: As ``require_telemetry``.
    """
    if settings.otlp_endpoint is None:
        return NO_SPANS
    require_telemetry(settings)
    from service.adapters.otlp_spans import OtlpSpans

    return OtlpSpans(settings.otlp_endpoint, process)


def zoo_from(settings: Settings, *, connections: int = 10, process: str | None = None) -> Zoo:
    """The zoo that the settings describe, with at most ``connections`` to its database.

    Args:
        settings: The settings.
        connections: Most connections to the database.
        process: Name of this process in traces; None records no spans.

    Raises:
        UnavailableError: There is no database, or as ``spans_of``.
    """
    engine = engine_for(database_url(settings), database_limits(settings), connections=connections)
    defaults = {quota: getattr(settings, f"quota_{quota}") for quota in Quota}
    info = {JOB_OBSERVER: JobOwners(), QUOTA_DEFAULTS: defaults}
    sessions = sessionmaker(engine, expire_on_commit=False, info=info)
    blobs = VerifiedBlobs(
        store_of(settings),
        damage=DatabaseDamageLog(sessions),
        budget=VerifyBudget(settings.verify_bytes_per_second),
    )
    spans = NO_SPANS if process is None else spans_of(settings, process)
    return Zoo(settings, engine, sessions, blobs, GraphFiles(blobs), ResponseFiles(blobs), spans)
