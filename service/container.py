"""The composition root: settings in, a working Zoo out. Doors, scheduler and workers start here."""

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
    """The parts that every process of the zoo shares."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    blobs: BlobStore
    comparer: GraphComparer

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends well, and rolls back when it raises."""
        with self.sessions.begin() as session:
            yield session

    @property
    def staging(self) -> Path:
        """Folder of uploads under way."""
        return self._made("staging")

    @property
    def scratch(self) -> Path:
        """Folder of the working directories of running jobs."""
        return self._made("scratch")

    def _made(self, name: str) -> Path:
        folder = self.settings.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def close(self) -> None:
        """Give the database connections back, also those that a thread still holds, in its time."""
        event.listen(self.engine, "checkin", _close)
        self.engine.dispose()


def _close(_connection: object, record: ConnectionPoolEntry) -> None:
    """Close a connection that comes back after its pool was given up."""
    record.invalidate()


def database_url(settings: Settings) -> str:
    """The database's address with the driver that is used here."""
    if settings.database_url is None:
        raise UnavailableError(
            "no database is set",
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
