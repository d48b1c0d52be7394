"""The graph of a lineage: networks, datasets, the jobs that trained networks, and their inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

GONE = "gone"
MEASURES = {
    "accuracy": "accuracy",
    "mean_average_precision": "average precision",
    "label_accuracy": "labels right",
    "mean_iou": "mean IoU",
}


class Kind(StrEnum):
    """The kind of a node."""

    MODEL = "model"
    JOB = "job"
    DATASET = "dataset"


class Role(StrEnum):
    """The role of an edge's source for its target.

    A source is fine-tuned or probed; a start provides the student's initial weights; a student is the
    result of a job. ``confirmed`` and ``suggested`` lead from a network to one that was made from it
    elsewhere: as a person confirmed, or as the weights suggest.
    """

    TEACHER = "teacher"
    SOURCE = "source"
    START = "start"
    DATASET = "dataset"
    EVAL_DATASET = "eval_dataset"
    STUDENT = "student"
    CONFIRMED = "confirmed"
    SUGGESTED = "suggested"


@dataclass(frozen=True)
class Node:
    """A network, job or dataset.

    Attributes:
        id: Id in the zoo.
        kind: Kind of the node.
        name: Name of a network or dataset; method of a job. Empty if it is not recorded.
        state: State of the row, or ``gone`` if it was deleted.
        task: Kind of task of a network.
        parameters: Number of parameters of a network.
        measured: Quality and retention of a network after its training, as shares by name.
        images: Number of images of a dataset.
        seed: Seed of a job.
        budget: Budget of a job: ``steps`` or ``seconds``.
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
    """An edge from an input to its job, from a job to its student, or between relatives."""

    source: str
    target: str
    role: Role


@dataclass(frozen=True)
class Note:
    """Something that the lineage omits, and how to see it."""

    code: str
    detail: str
    remedy: str


@dataclass(frozen=True)
class LineageGraph:
    """The lineage of one network; every node and every edge occurs once."""

    model_id: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    notes: tuple[Note, ...] = ()
