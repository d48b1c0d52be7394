"""Wire shapes of lineages."""

from typing import Any, Literal, Self

from pydantic import BaseModel

from service.core.lineage.graph import Kind, LineageGraph, Node, Role


class LineageNodeView(BaseModel):
    """A network, job or dataset of a lineage.

    ``name`` is the method where it is a job, and empty where nobody knows it any more; ``state``
    is the thing's own, or ``gone``. ``measured`` is a network's quality when it was made.
    """

    id: str
    kind: Kind
    name: str
    state: str
    task: str | None = None
    parameters: int | None = None
    measured: dict[str, float]
    images: int | None = None
    seed: int | None = None
    budget: dict[str, Any] | None = None

    @classmethod
    def of(cls, node: Node) -> Self:
        """The view of a node."""
        return cls(**{**vars(node), "measured": dict(node.measured)})


class LineageEdgeView(BaseModel):
    """From what a job was given to the job, or from the job to the student that it made."""

    source: str
    target: str
    role: Role


class LineageNoteView(BaseModel):
    """Something that the lineage does not show, and how to see it."""

    code: Literal["too_many_nodes", "more_generations"]
    detail: str
    remedy: str


class LineageView(BaseModel):
    """What a network was made from, and what was made from it; everything is told once."""

    model_id: str
    nodes: list[LineageNodeView]
    edges: list[LineageEdgeView]
    notes: list[LineageNoteView]

    @classmethod
    def of(cls, lineage: LineageGraph) -> Self:
        """The view of a lineage."""
        return cls(
            model_id=lineage.model_id,
            nodes=[LineageNodeView.of(node) for node in lineage.nodes],
            edges=[LineageEdgeView(**vars(edge)) for edge in lineage.edges],
            notes=[LineageNoteView(**vars(note)) for note in lineage.notes],
        )
