"""What a lineage is made of: networks, the jobs that made them, datasets, and who gave what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

GONE = "gone"
MEASURES = {
    "accuracy": "accuracy",
    "mean_average_precision": "average precision",
    "mean_iou": "mean IoU",
}


class Kind(StrEnum):
    """What a node of a lineage is."""

    MODEL = "model"
    JOB = "job"
    DATASET = "dataset"


class Role(StrEnum):
    """What the source of an edge is to its target.

    A source was fine-tuned or probed; a start gave the student its first weights; a student is what
    a job made.
    """

    TEACHER = "teacher"
    SOURCE = "source"
    START = "start"
    DATASET = "dataset"
    EVAL_DATASET = "eval_dataset"
    STUDENT = "student"


@dataclass(frozen=True)
class Node:
    """A network, job or dataset.

    Attributes:
        id: Of the zoo.
        kind: Which of the three it is.
        name: Of a network or dataset; of a job, its method. Empty where nobody knows it any more.
        state: As the thing itself tells it, or ``gone`` for what was removed.
        task: A network's kind of task.
        parameters: Number of a network's parameters.
        measured: A network's quality when it was made, and its retention: shares by name.
        images: Number of a dataset's images.
        seed: Of a job.
        budget: How long a job trains: ``steps``, or ``seconds``.
    """

    id: str
    kind: Kind
    name: str
    state: str
    task: str | None = None
    parameters: int | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    images: int | None = None
    seed: int | None = None
    budget: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Edge:
    """From what was given to the job that took it, or from the job to its student."""

    source: str
    target: str
    role: Role


@dataclass(frozen=True)
class Note:
    """Something that the lineage does not show, and how to see it."""

    code: str
    detail: str
    remedy: str


@dataclass(frozen=True)
class LineageGraph:
    """The lineage of one network; every node and every edge is told once."""

    model_id: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    notes: tuple[Note, ...] = ()
