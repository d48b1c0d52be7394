"""Composition root: builds a working Zoo from settings. The APIs, scheduler and workers start here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from service.adapters.graph_files import GraphFiles
from service.adapters.object_store import blob_store
from service.core.blobs import BlobStore
from service.core.errors import UnavailableError
from service.core.operations.job_owners import JobOwners
from service.core.operations.jobs.observer import JOB_OBSERVER
from service.core.operations.neighbors.closeness import GraphComparer
from service.settings import Settings


@dataclass(frozen=True)
class Zoo:
    """The components that every process of the zoo shares."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    blobs: BlobStore
    comparer: GraphComparer

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block returns and rolls back when it raises."""
        with self.sessions.begin() as session:
            yield session

    @property
    def staging(self) -> Path:
        """Folder of unfinished uploads."""
        return self._ensured_folder("staging")

    @property
    def scratch(self) -> Path:
        """Folder of the working directories of running jobs."""
        return self._ensured_folder("scratch")

    def _ensured_folder(self, name: str) -> Path:
        folder = self.settings.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def close(self) -> None:
        """Close the database connections; one that a thread still uses closes when it is returned."""
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


def zoo_from(settings: Settings, *, connections: int = 10) -> Zoo:
    """The zoo that the settings describe, with at most ``connections`` to its database."""
    engine = create_engine(
        database_url(settings),
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=10,
    )
    blobs = blob_store(
        settings.storage_url or str(settings.folder / "blobs"), endpoint=settings.storage_endpoint
    )
    sessions = sessionmaker(engine, expire_on_commit=False, info={JOB_OBSERVER: JobOwners()})
    return Zoo(settings, engine, sessions, blobs, GraphFiles(blobs))
