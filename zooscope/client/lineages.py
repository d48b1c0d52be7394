"""Wire shapes of lineages."""

from typing import Literal, NotRequired, TypedDict

from zooscope.client.results import Problem


class LineageNode(TypedDict):
    """A network, job or dataset of a lineage.

    ``name`` is the method where it is a job, and empty where nobody knows it any more; ``state``
    is the thing's own, or ``gone``. ``measured`` is a network's quality when it was made.
    """

    id: str
    kind: Literal["model", "job", "dataset"]
    name: str
    state: str
    task: NotRequired[str | None]
    parameters: NotRequired[int | None]
    measured: dict[str, float]
    images: NotRequired[int | None]
    seed: NotRequired[int | None]
    budget: NotRequired[dict[str, float] | None]


class LineageEdge(TypedDict):
    """From what a job was given to the job, or from the job to the student that it made."""

    source: str
    target: str
    role: Literal["teacher", "source", "start", "dataset", "eval_dataset", "student"]


class Lineage(TypedDict):
    """What a network was made from, and what was made from it; ``notes`` say what is left out."""

    model_id: str
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    notes: list[Problem]
