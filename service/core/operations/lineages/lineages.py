"""The lineage of a network: what it was made from, and what was made from it."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from pydantic import Field
from sqlalchemy.orm import Session

from service.core.ids import IdKind
from service.core.lineage.files import LineageFormat
from service.core.lineage.graph import LineageGraph, Node, Note
from service.core.manifest import Strict
from service.core.operations import owned_rows
from service.core.operations.lineages.nodes import dataset_node, job_node, model_node
from service.core.operations.lineages.origins import Origin, maker_of
from service.core.operations.lineages.rows import Rows
from service.core.tables import ModelRecord
from service.core.theme import Theme

MOST_NODES = 2_000
MOST_GENERATIONS = 50


class Direction(StrEnum):
    """Which way from the network."""

    ANCESTORS = "ancestors"
    DESCENDANTS = "descendants"
    BOTH = "both"


class LineageRequest(Strict):
    """How much of a lineage, and in which form."""

    direction: Direction = Field(
        Direction.BOTH, description="what it was made from, what was made from it, or both"
    )
    generations: int = Field(
        10, ge=1, le=MOST_GENERATIONS, description="most steps from a student to its teachers"
    )
    format: LineageFormat = LineageFormat.JSON
    theme: Theme = Field(Theme.LIGHT, description="colors of the svg")


def lineage(
    session: Session, *, project: str, model_id: str, request: LineageRequest
) -> LineageGraph:
    """Networks, jobs and datasets that the network comes from or that come from it, each once.

    Of a descendant's other teachers no further lineage is told. What was removed is there as
    ``gone``; a job that has yet to make its student is there without one.

    Raises:
        NotFoundError: ``model_not_found``.
    """
    owned_rows.get(session, ModelRecord, project=project, id=model_id)
    walk = _Walk(Rows(session, project, MOST_NODES), model_id)
    if request.direction is not Direction.DESCENDANTS:
        walk.go(walk.makers, request.generations)
    if request.direction is not Direction.ANCESTORS:
        walk.go(walk.learners, request.generations)
    return walk.found()


class _Walk:
    """A walk over generations in both directions that stops where it gets too large."""

    def __init__(self, rows: Rows, start: str) -> None:
        self._rows = rows
        self._start = start
        self._ids: dict[str, None] = {start: None}
        self._origins: dict[str, Origin] = {}
        self._notes: dict[str, Note] = {}

    def go(self, step: Callable[[Sequence[str]], "_Steps"], generations: int) -> None:
        """Take up to so many steps, each from the networks that the one before has reached."""
        reached, seen = [self._start], {self._start}
        for _ in range(generations):
            steps = step(reached) if reached else []
            ends = [end for origin, some in steps if self._take(origin) for end in some]
            reached = [end for end in dict.fromkeys(ends) if end not in seen]
            seen.update(reached)
        beyond = step(reached) if reached else []
        if any(origin.job_id not in self._origins for origin, _ in beyond):
            self._note_generations(generations)

    def makers(self, ids: Sequence[str]) -> "_Steps":
        """Where networks come from, and the networks there."""
        there = self._rows.models(ids)
        jobs = self._rows.jobs(maker for one in there.values() if (maker := maker_of(one)))
        told = [Origin.of_model(one, jobs.get(maker_of(one) or "")) for one in there.values()]
        gone = self._rows.makers_of([one for one in ids if one not in there])
        origins = [one for one in told if one is not None]
        origins += [Origin.of_job(job) for job in gone.values()]
        return [(origin, origin.networks) for origin in origins]

    def learners(self, ids: Sequence[str]) -> "_Steps":
        """What learned or started from networks, or is going to, and the students, newest first."""
        students = self._rows.students_of(ids).values()
        jobs = self._rows.learners_from(ids)
        found = {job.id: Origin.of_job(job) for job in jobs.values()}
        for student in students:
            origin = Origin.of_model(student, jobs.get(maker_of(student) or ""))
            if origin is not None:
                found[origin.job_id] = origin
        newest = sorted(found.values(), key=lambda origin: origin.job_id, reverse=True)
        return [(origin, (origin.student,) if origin.student else ()) for origin in newest]

    def found(self) -> LineageGraph:
        """Everything that was reached."""
        edges = dict.fromkeys(edge for one in self._origins.values() for edge in one.edges)
        return LineageGraph(
            self._start, tuple(self._nodes()), tuple(edges), tuple(self._notes.values())
        )

    def _nodes(self) -> list[Node]:
        models_, jobs = self._rows.models(self._ids), self._rows.jobs(self._ids)
        datasets = self._rows.datasets(self._ids)
        made_by = {one.student: one for one in self._origins.values()}
        nodes = []
        for id_ in self._ids:
            if id_ in self._origins:
                nodes.append(job_node(self._origins[id_], jobs.get(id_)))
            elif id_.startswith(IdKind.DATASET):
                nodes.append(dataset_node(id_, datasets.get(id_)))
            else:
                nodes.append(model_node(id_, models_.get(id_), made_by.get(id_)))
        return nodes

    def _take(self, origin: Origin) -> bool:
        """Remember a job and what is around it, unless that is too much."""
        new = [one for one in origin.ids if one not in self._ids]
        if len(self._ids) + len(new) > MOST_NODES:
            self._notes["too_many_nodes"] = Note(
                "too_many_nodes",
                f"there are more than the {MOST_NODES} things that are shown",
                "ask for one direction and fewer generations, or from another network",
            )
            return False
        self._ids.update(dict.fromkeys(new))
        self._origins.setdefault(origin.job_id, origin)
        return True

    def _note_generations(self, generations: int) -> None:
        self._notes["more_generations"] = Note(
            "more_generations",
            f"there are more than {generations} generations",
            f"ask for more, at most {MOST_GENERATIONS}, or from another network",
        )


_Steps = list[tuple[Origin, tuple[str, ...]]]
