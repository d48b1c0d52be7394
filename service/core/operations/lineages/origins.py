"""What is remembered of how a network was made: by the network itself, and by the job."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from service.core.lineage.graph import MEASURES, Edge, Role
from service.core.tables import JobRecord, ModelRecord


@dataclass(frozen=True)
class Origin:
    """A job and what it was given; ``student`` is None while nothing is made."""

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
        """What a network tells of itself, and its job besides; None for an uploaded network."""
        job_id = maker_of(model)
        if job_id is None:
            return None
        said = {} if job is None else {"method": job.method, **job.inputs, "params": job.params}
        return cls._of({**said, **(model.lineage or {})}, job_id, model.id)

    @classmethod
    def of_job(cls, job: JobRecord) -> Self:
        """What a job tells, whether or not its network is still there."""
        result = job.result or {}
        said = {"method": job.method, **job.inputs, "params": job.params, "measured": result}
        return cls._of(said, job.id, result.get("model_id"))

    @classmethod
    def _of(cls, said: Mapping[str, Any], job_id: str, student: str | None) -> Self:
        eval_dataset = said.get("eval_dataset") or said.get("eval_dataset_id")
        datasets = [said.get("dataset"), said.get("dataset_id"), *(said.get("datasets") or ())]
        return cls(
            job_id,
            said.get("method", ""),
            tuple(dict.fromkeys(said.get("teachers") or ())),
            said.get("source_model_id"),
            ((said.get("params") or {}).get("student") or {}).get("init"),
            tuple(dict.fromkeys(id_ for id_ in datasets if id_ and id_ != eval_dataset)),
            eval_dataset,
            said.get("params") or {},
            _qualities(said.get("measured") or {}),
            student,
        )

    @property
    def networks(self) -> tuple[str, ...]:
        """Those that the student comes from: teachers, source, and the one that gave first weights."""
        return tuple(dict.fromkeys((*self.teachers, *filter(None, (self.source, self.start)))))

    @property
    def ids(self) -> tuple[str, ...]:
        """The job, everything that it was given, and its student."""
        ends = [id_ for id_ in (self.eval_dataset, self.student) if id_]
        return (*self.networks, *self.datasets, self.job_id, *ends)

    @property
    def edges(self) -> tuple[Edge, ...]:
        """To the job from everything that it was given, and from it to its student."""
        given = {Role.TEACHER: self.teachers, Role.DATASET: self.datasets}
        edges = [Edge(one, self.job_id, role) for role, some in given.items() for one in some]
        for one, role in (
            (self.source, Role.SOURCE),
            (self.start, Role.START),
            (self.eval_dataset, Role.EVAL_DATASET),
        ):
            if one:
                edges.append(Edge(one, self.job_id, role))
        if self.student:
            edges.append(Edge(self.job_id, self.student, Role.STUDENT))
        return tuple(edges)


def maker_of(model: ModelRecord) -> str | None:
    """Id of the job that made a network; None for an uploaded one."""
    if model.lineage is None:
        return None
    told: str | None = model.lineage.get("job_id")
    return told or model.job_id


def _qualities(measured: Mapping[str, Any]) -> dict[str, float]:
    """The measures of tasks, and retention, among everything that was measured."""
    return {
        name: float(value)
        for name, value in measured.items()
        if (name in MEASURES or name.startswith("retention"))
        and isinstance(value, int | float)
        and math.isfinite(value)
    }
