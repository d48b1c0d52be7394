"""A zoo with two projects that hold one row of everything, equal in all but ids, names and bytes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import grpc
import httpx
from sqlalchemy import delete, text

from service.container import Zoo
from service.core.ids import IdKind, new_id
from service.core.operations.access import keys
from service.core.tables import (
    DatasetRecord,
    ModelAliasRecord,
    ModelNameRecord,
    ModelRecord,
    TableRow,
)
from tests.apis.tenancy.rows import rows_of
from tests.rest.served import client_of, serving
from tests.rpc.channels import channel_to, listening

OWN = "default"
STRANGE = "strangers"
SECRET = "stranger-secret"
ALMOST_SECRET = "stranger-secres"
"""A name that nothing has; the names of the other project are the nearest ones."""
Ids = Mapping[IdKind, str]
_NAMES = (ModelNameRecord, ModelAliasRecord)
_STATES = text(
    " UNION ALL ".join(
        f"SELECT '{table.name}', count(*), sum(hashtextextended(t::text, 0)) FROM \"{table.name}\" t"
        for table in TableRow.metadata.sorted_tables
        if table.name != "audit"
    )
)


def some_ids() -> dict[IdKind, str]:
    """One id of each kind; no row has it."""
    return {kind: new_id(kind) for kind in IdKind}


@dataclass(frozen=True)
class TwoProjects:
    """The zoo, a client of the own project over each API, and the ids to try.

    Attributes:
        own: Ids of rows of the caller's project.
        strange: Ids of the same rows of another project.
        ghosts: Ids of the same form that no row has.
        restored: Number and checksum of the rows of every table after the last ``restore``.
    """

    zoo: Zoo
    rest: httpx.Client
    stranger: httpx.Client
    rpc: grpc.Channel
    own: Ids = field(default_factory=some_ids)
    strange: Ids = field(default_factory=some_ids)
    ghosts: Ids = field(default_factory=some_ids)
    restored: dict[str, tuple[int, int]] = field(default_factory=dict)

    def restore(self) -> None:
        """Put back what a request has changed or removed, without the names that it has added."""
        states = self._states()
        changed = {name for name, state in states.items() if state != self.restored.get(name)}
        if not changed:
            return
        with self.zoo.transaction() as session:
            for table in (ModelRecord, DatasetRecord):
                added = (table.project == OWN, table.id.not_in(self.own.values()))
                session.execute(delete(table).where(*added))
            for names in _NAMES:
                session.execute(delete(names).where(names.project == OWN))
        emptied = {names.__tablename__ for names in _NAMES}
        self._put(row for row in self.own_rows if row.__tablename__ in changed | emptied)
        self.restored.update(self._states())

    def fill(self) -> None:
        """Make the rows of both projects."""
        self.restore()
        self._put(rows_of(self.zoo, project=STRANGE, ids=self.strange, word=SECRET))
        second = f"second {SECRET}"
        self._put(rows_of(self.zoo, project=STRANGE, ids=some_ids(), word=second))

    @cached_property
    def own_rows(self) -> list[TableRow]:
        """The rows of the own project as they were filled."""
        return list(rows_of(self.zoo, project=OWN, ids=self.own, word="mine"))

    def _put(self, rows: Iterable[TableRow]) -> None:
        with self.zoo.transaction() as session:
            for row in rows:
                session.merge(row)
                session.flush()

    def row_counts(self) -> dict[str, int]:
        """How many rows every table has, but for the one that records every refusal."""
        return {name: count for name, (count, _) in self._states().items()}

    def _states(self) -> dict[str, tuple[int, int]]:
        """Number and checksum of the rows of every table, but for the one of the audit log."""
        with self.zoo.transaction() as session:
            rows = session.execute(_STATES)
            return {name: (count, checksum) for name, count, checksum in rows}


@contextmanager
def two_projects(zoo: Zoo) -> Iterator[TwoProjects]:
    """Both projects behind real sockets."""
    with zoo.transaction() as session:
        own, strange = (
            keys.issue(session, project=project, name="a key", scopes=["admin"]).token
            for project in (OWN, STRANGE)
        )
    with (
        serving(zoo) as url,
        listening(zoo) as address,
        client_of(url, own) as client,
        client_of(url, strange) as stranger,
        closing(channel_to(address, own)) as channel,
    ):
        projects = TwoProjects(zoo, client, stranger, channel)
        projects.fill()
        yield projects
