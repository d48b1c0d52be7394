"""Records damaged and repaired files in the database."""

from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from service.core.operations.zoo import damage


@dataclass(frozen=True)
class DatabaseDamageLog:
    """A ``DamageLog`` with a transaction of its own for every event."""

    sessions: sessionmaker[Session]

    def damaged(self, sha256: str) -> None:
        """Record that the file was set aside."""
        with self.sessions.begin() as session:
            damage.record(session, sha256)

    def stored(self, sha256: str) -> None:
        """Record that the file was stored just now, so it is whole."""
        with self.sessions.begin() as session:
            damage.repaired(session, sha256)
