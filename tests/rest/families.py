"""Networks made from others, in the state that trainings leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.ids import IdKind, new_id
from service.core.tables import DatasetRecord, JobRecord, JobState, ModelRecord
from tests.rest.served import PROJECT, a_dataset, a_model


def a_training(
    session: Session,
    teachers: Sequence[str],
    *,
    dataset_id: str | None = None,
    eval_dataset_id: str | None = None,
    state: JobState = JobState.RUNNING,
    project: str = PROJECT,
    **params: Any,
) -> JobRecord:
    """A training without a student yet."""
    job = JobRecord(
        id=new_id(IdKind.JOB),
        project=project,
        method="knowledge_distillation",
        method_version=1,
        state=state,
        inputs={
            "teachers": list(teachers),
            "dataset_id": dataset_id,
            "eval_dataset_id": eval_dataset_id,
        },
        params={"seed": 3, "budget": {"steps": 100, "seconds": None}, **params},
        progress={},
    )
    session.add(job)
    session.flush()
    return job


def a_student(
    session: Session, name: str, teachers: Sequence[str], *, project: str = PROJECT, **values: Any
) -> ModelRecord:
    """A network that a training produced."""
    job = a_training(
        session, teachers, project=project, state=JobState.SUCCEEDED, name=name, **values
    )
    measured = {"accuracy": 0.75, "retention": 0.9, "trained_on": 40, "agreement": 0.8}
    lineage = {"job_id": job.id, "method": job.method, **job.inputs, "params": job.params}
    model = a_model(
        session,
        name=name,
        project=project,
        job_id=job.id,
        lineage={**lineage, "measured": measured, "seed": 3},
    )
    job.result = {"model_id": model.id, **measured}
    session.flush()
    return model


@dataclass(frozen=True)
class FamilyIds:
    """Ids of three generations: ``owl`` taught ``fox`` and ``hen``, and both taught ``hare``."""

    owl: str
    fox: str
    hen: str
    hare: str
    sea: str
    sky: str


def a_family(zoo: Zoo, session: Session) -> FamilyIds:
    """The family, with its training and evaluation datasets."""
    sea, sky = (_images(zoo, session, name) for name in ("sea", "sky"))
    owl = a_model(session, name="owl")
    fox = a_student(session, "fox", [owl.id], dataset_id=sea.id, eval_dataset_id=sky.id)
    hen = a_student(session, "hen", [owl.id], eval_dataset_id=sky.id)
    hare = a_student(session, "hare", [fox.id, hen.id], dataset_id=sea.id)
    return FamilyIds(owl.id, fox.id, hen.id, hare.id, sea.id, sky.id)


def _images(zoo: Zoo, session: Session, name: str) -> DatasetRecord:
    return a_dataset(zoo, session, name=name)
