"""The lineage of a network: its ancestors and its descendants."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from pydantic import Field
from sqlalchemy.orm import Session

from service.core.ids import IdKind
from service.core.lineage.files import LineageFormat
from service.core.lineage.graph import Edge, LineageGraph, Node, Note, Role
from service.core.manifest import Strict
from service.core.operations import owned_rows
from service.core.operations.lineages.nodes import dataset_node, job_node, model_node
from service.core.operations.lineages.origins import Kinship, Origin, maker_of
from service.core.operations.lineages.rows import Rows
from service.core.tables import ModelRecord
from service.core.theme import Theme

MOST_NODES = 2_000
MOST_GENERATIONS = 50


class Direction(StrEnum):
    """The direction from the network."""

    ANCESTORS = "ancestors"
    DESCENDANTS = "descendants"
    BOTH = "both"


class LineageRequest(Strict):
    """The part of a lineage to return, and its format."""

    direction: Direction = Field(Direction.BOTH, description="Ancestors, descendants, or both")
    generations: int = Field(
        10,
        ge=1,
        le=MOST_GENERATIONS,
        description="Largest number of steps between students and teachers",
    )
    format: LineageFormat = LineageFormat.JSON
    theme: Theme = Field(Theme.LIGHT, description="Colors of the SVG")


def lineage(
    session: Session, *, project: str, model_id: str, request: LineageRequest
) -> LineageGraph:
    """All networks, jobs and datasets of the network's ancestry and descent, each once.

    The lineage does not extend to other teachers of descendants. Deleted rows appear as ``gone``; an
    unfinished job appears without a student.

    Raises:
        NotFoundError: ``model_not_found``.
    """
    owned_rows.get(session, ModelRecord, project=project, id=model_id)
    walk = _Walk(Rows(session, project, MOST_NODES), model_id)
    if request.direction is not Direction.DESCENDANTS:
        walk.go(walk.makers, request.generations)
    if request.direction is not Direction.ANCESTORS:
        walk.go(walk.learners, request.generations)
    return walk.graph()


class _Walk:
    """A walk over generations in either direction that stops at the limits."""

    def __init__(self, rows: Rows, start: str) -> None:
        self._rows = rows
        self._start = start
        self._ids: dict[str, None] = {start: None}
        self._origins: dict[str, Origin | Kinship] = {}
        self._notes: dict[str, Note] = {}

    def go(self, step: Callable[[Sequence[str]], "_Steps"], generations: int) -> None:
        """Take up to ``generations`` steps, each from the networks that the last step reached."""
        reached, visited = [self._start], {self._start}
        for _ in range(generations):
            steps = step(reached) if reached else []
            ends = [end for origin, ids in steps if self._add(origin) for end in ids]
            reached = [end for end in dict.fromkeys(ends) if end not in visited]
            visited.update(reached)
        beyond = step(reached) if reached else []
        if any(origin.key not in self._origins for origin, _ in beyond):
            self._note_generations(generations)

    def makers(self, ids: Sequence[str]) -> "_Steps":
        """The origins of networks, and the networks they come from."""
        existing = self._rows.models(ids)
        jobs = self._rows.jobs(maker for model in existing.values() if (maker := maker_of(model)))
        recorded = [
            Origin.of_model(model, jobs.get(maker_of(model) or "")) for model in existing.values()
        ]
        deleted = self._rows.makers_of([id_ for id_ in ids if id_ not in existing])
        origins = [origin for origin in recorded if origin is not None]
        origins += [Origin.of_job(job) for job in deleted.values()]
        kinships = self._kinships(ids)
        return [
            *((origin, origin.networks) for origin in origins),
            *((kin, _onward(kin, kin.ancestor)) for kin in kinships if kin.descendant in ids),
        ]

    def learners(self, ids: Sequence[str]) -> "_Steps":
        """The jobs that learn or start from networks, and their students, newest first."""
        students = self._rows.students_of(ids).values()
        jobs = self._rows.learners_from(ids)
        origins = {job.id: Origin.of_job(job) for job in jobs.values()}
        for student in students:
            origin = Origin.of_model(student, jobs.get(maker_of(student) or ""))
            if origin is not None:
                origins[origin.job_id] = origin
        newest = sorted(origins.values(), key=lambda origin: origin.job_id, reverse=True)
        kinships = self._kinships(ids)
        return [
            *((origin, (origin.student,) if origin.student else ()) for origin in newest),
            *((kin, _onward(kin, kin.descendant)) for kin in kinships if kin.ancestor in ids),
        ]

    def _kinships(self, ids: Sequence[str]) -> list[Kinship]:
        """Confirmed descents of networks, and suggested ones of the first network alone."""
        return self._rows.kinships(ids, suggested_of=self._start)

    def graph(self) -> LineageGraph:
        """Everything that the walk reached."""
        return LineageGraph(
            self._start, tuple(self._nodes()), tuple(self._edges()), tuple(self._notes.values())
        )

    def _edges(self) -> dict[Edge, None]:
        """Every edge once; none is suggested between networks whose training is recorded."""
        recorded = {
            (source, origin.student) for origin in self._trainings() for source in origin.networks
        }
        edges = (edge for origin in self._origins.values() for edge in origin.edges)
        return dict.fromkeys(
            edge
            for edge in edges
            if edge.role is not Role.SUGGESTED or (edge.source, edge.target) not in recorded
        )

    def _trainings(self) -> list[Origin]:
        return [origin for origin in self._origins.values() if isinstance(origin, Origin)]

    def _nodes(self) -> list[Node]:
        models_, jobs = self._rows.models(self._ids), self._rows.jobs(self._ids)
        datasets = self._rows.datasets(self._ids)
        trainings = {origin.job_id: origin for origin in self._trainings()}
        made_by = {origin.student: origin for origin in trainings.values()}
        nodes = []
        for id_ in self._ids:
            if id_ in trainings:
                nodes.append(job_node(trainings[id_], jobs.get(id_)))
            elif id_.startswith(IdKind.DATASET):
                nodes.append(dataset_node(id_, datasets.get(id_)))
            else:
                nodes.append(model_node(id_, models_.get(id_), made_by.get(id_)))
        return nodes

    def _add(self, origin: Origin | Kinship) -> bool:
        """Whether the job or descent and its neighbors are now part of the lineage; False beyond the limit."""
        new = [id_ for id_ in origin.ids if id_ not in self._ids]
        if len(self._ids) + len(new) > MOST_NODES:
            self._notes["too_many_nodes"] = Note(
                "too_many_nodes",
                f"the lineage has more than {MOST_NODES} nodes",
                "request one direction and fewer generations, or start from another model",
            )
            return False
        self._ids.update(dict.fromkeys(new))
        self._origins.setdefault(origin.key, origin)
        return True

    def _note_generations(self, generations: int) -> None:
        self._notes["more_generations"] = Note(
            "more_generations",
            f"the lineage has more than {generations} generations",
            f"request up to {MOST_GENERATIONS} generations, or start from another model",
        )


def _onward(kinship: Kinship, end: str) -> tuple[str, ...]:
    """Where a walk continues: it does not go on from what is only suggested."""
    return () if kinship.role is Role.SUGGESTED else (end,)


_Steps = list[tuple[Origin | Kinship, tuple[str, ...]]]
