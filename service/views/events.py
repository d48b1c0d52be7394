"""Wire shape of a project's events."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel

from service.core.operations.project_events import Position
from service.core.tables import Change, ProjectEventRecord


class EventKind(StrEnum):
    """The lists of which events report changes."""

    JOBS = "jobs"
    MODELS = "models"
    DATASETS = "datasets"
    RANKINGS = "rankings"
    LAYER_SELECTIONS = "layer-selections"
    CONCEPT_SEARCHES = "concept-searches"
    ACCURACIES = "accuracies"
    MAPS = "maps"
    MEASUREMENTS = "measurements"


class ProjectEventView(BaseModel):
    """A change in the project; load what it names to see what it is now.

    ``subject_id`` is the id of what changed; of ``maps`` it is the dataset, of ``measurements`` the
    model. ``id`` is the position to resume after; ``state`` is null where there is none.
    """

    id: str
    at: datetime
    kind: EventKind
    change: Change
    subject_id: str
    state: str | None

    @classmethod
    def of(cls, event: ProjectEventRecord) -> Self:
        """The view of an event."""
        return cls(
            id=str(Position.of(event)),
            at=event.at,
            kind=EventKind(event.kind),
            change=Change(event.change),
            subject_id=event.subject_id,
            state=event.state,
        )
