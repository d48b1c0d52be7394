"""What both APIs read while somebody follows the events of a project."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.container import Zoo
from service.core.operations import project_events
from service.core.operations.project_events import Position
from service.core.tables import ProjectEventRecord


@dataclass
class ProjectFeed:
    """A place in the events of one project; each read moves it on."""

    zoo: Zoo
    project: str
    position: Position

    @classmethod
    def after(cls, zoo: Zoo, *, project: str, event_id: str | None) -> "ProjectFeed":
        """The feed after an event, or from now on. Raises ConflictError ``events_expired``."""
        with zoo.transaction() as session:
            if event_id is None:
                return cls(zoo, project, project_events.now(session))
            position = Position.at(event_id)
            project_events.require_stored(session, position)
            return cls(zoo, project, position)

    def read(self) -> Sequence[ProjectEventRecord]:
        """The next events, oldest first; empty if there are none yet."""
        with self.zoo.transaction() as session:
            events = project_events.events_after(
                session, project=self.project, position=self.position
            )
        if events:
            self.position = Position.of(events[-1])
        return events
