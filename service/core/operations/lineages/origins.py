"""The origin of a trained network, as the network and its job record it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from service.core.lineage.graph import MEASURES, Edge, Role
from service.core.tables import JobRecord, ModelRecord


@dataclass(frozen=True)
class Kinship:
    """A network that was made from another outside of this zoo, by its weights."""

    ancestor: str
    descendant: str
    role: Role

    @property
    def key(self) -> str:
        """What identifies it in a lineage."""
        return f"{self.ancestor} {self.descendant}"

    @property
    def ids(self) -> tuple[str, ...]:
        """Both networks."""
        return self.ancestor, self.descendant

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edge from ancestor to descendant."""
        return (Edge(self.ancestor, self.descendant, self.role),)


@dataclass(frozen=True)
class Origin:
    """A job and its inputs; ``student`` is None until it produces one."""

    job_id: str
    method: str
    teachers: tuple[str, ...]
    source: str | None
    start: str | None
    datasets: tuple[str, ...]
    eval_dataset: str | None
    params: Mapping[str, Any]
    measured: Mapping[str, float]
    student: str | None

    @classmethod
    def of_model(cls, model: ModelRecord, job: JobRecord | None) -> Self | None:
        """What a network and its job record; None for an uploaded network."""
        job_id = maker_of(model)
        if job_id is None:
            return None
        recorded = (
            {} if job is None else {"method": job.method, **job.inputs, "params": job.params}
        )
        return cls._of({**recorded, **(model.lineage or {})}, job_id, model.id)

    @classmethod
    def of_job(cls, job: JobRecord) -> Self:
        """What a job records, whether or not its network still exists."""
        result = job.result or {}
        recorded = {"method": job.method, **job.inputs, "params": job.params, "measured": result}
        return cls._of(recorded, job.id, result.get("model_id"))

    @classmethod
    def _of(cls, recorded: Mapping[str, Any], job_id: str, student: str | None) -> Self:
        eval_dataset = recorded.get("eval_dataset") or recorded.get("eval_dataset_id")
        datasets = [
            recorded.get("dataset"),
            recorded.get("dataset_id"),
            recorded.get("style_dataset_id"),
            *(recorded.get("datasets") or ()),
        ]
        return cls(
            job_id,
            recorded.get("method", ""),
            tuple(dict.fromkeys(recorded.get("teachers") or ())),
            recorded.get("source_model_id") or recorded.get("first_stage"),
            ((recorded.get("params") or {}).get("student") or {}).get("init"),
            tuple(
                dict.fromkeys(
                    dataset_id
                    for dataset_id in datasets
                    if dataset_id not in (None, "", eval_dataset)
                )
            ),
            eval_dataset,
            recorded.get("params") or {},
            _qualities(recorded.get("measured") or {}),
            student,
        )

    @property
    def key(self) -> str:
        """What identifies it in a lineage."""
        return self.job_id

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that the student comes from: its teachers, its source and its start."""
        return tuple(dict.fromkeys((*self.teachers, *filter(None, (self.source, self.start)))))

    @property
    def ids(self) -> tuple[str, ...]:
        """The job, all its inputs, and its student."""
        ends = [node_id for node_id in (self.eval_dataset, self.student) if node_id]
        return (*self.networks, *self.datasets, self.job_id, *ends)

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Edges from every input to the job, and from the job to its student."""
        inputs = {Role.TEACHER: self.teachers, Role.DATASET: self.datasets}
        edges = [
            Edge(node_id, self.job_id, role) for role, ids in inputs.items() for node_id in ids
        ]
        for node_id, role in (
            (self.source, Role.SOURCE),
            (self.start, Role.START),
            (self.eval_dataset, Role.EVAL_DATASET),
        ):
            if node_id:
                edges.append(Edge(node_id, self.job_id, role))
        if self.student:
            edges.append(Edge(self.job_id, self.student, Role.STUDENT))
        return tuple(edges)


def maker_of(model: ModelRecord) -> str | None:
    """Id of the job that trained a network; None for an uploaded one."""
    if model.lineage is None:
        return None
    recorded: str | None = model.lineage.get("job_id")
    return recorded or model.job_id


def _qualities(measured: Mapping[str, Any]) -> dict[str, float]:
    """The task measures and the retention among all measured values."""
    return {
        name: float(value)
        for name, value in measured.items()
        if (name in MEASURES or name.startswith("retention"))
        and isinstance(value, int | float)
        and math.isfinite(value)
    }
