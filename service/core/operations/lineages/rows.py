"""The rows that a lineage is read from: those of one project, many at once."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, load_only

from service.core.catalog import all_methods, reference_network
from service.core.catalog.method_spec import Family
from service.core.tables import DatasetRecord, JobRecord, JobState, ModelRecord
from service.core.tables.job import MODEL_MADE, STARTED_FROM, TAUGHT_BY, TRANSFERRED_FROM
from service.core.tables.model import SOURCE, START, TEACHERS

_MAKING = [
    *(spec.name for spec in all_methods() if spec.family is Family.TRAINING),
    reference_network.SPEC.name,
]
_GOING = (JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED)
_MODELS = load_only(
    ModelRecord.name,
    ModelRecord.state,
    ModelRecord.task_kind,
    ModelRecord.parameters,
    ModelRecord.lineage,
    ModelRecord.job_id,
)
_JOBS = load_only(
    JobRecord.method, JobRecord.state, JobRecord.params, JobRecord.inputs, JobRecord.result
)
_DATASETS = load_only(DatasetRecord.name, DatasetRecord.state, DatasetRecord.images)


class Rows:
    """Models, jobs and datasets of a project; what is not the project's is not there."""

    def __init__(self, session: Session, project: str, most: int) -> None:
        """``most``: rows that one question about descendants answers."""
        self._session = session
        self._project = project
        self._most = most

    def models(self, ids: Iterable[str]) -> dict[str, ModelRecord]:
        """Those of these models that are there."""
        return self._models(ModelRecord.id.in_(list(ids)))

    def students_of(self, ids: Sequence[str]) -> dict[str, ModelRecord]:
        """Models that name one of these as a teacher, their source or their start, newest first."""
        return self._models(or_(TEACHERS.has_any(array(ids)), SOURCE.in_(ids), START.in_(ids)))

    def jobs(self, ids: Iterable[str]) -> dict[str, JobRecord]:
        """Those of these jobs that are there."""
        return self._jobs(JobRecord.id.in_(list(ids)))

    def makers_of(self, ids: Iterable[str]) -> dict[str, JobRecord]:
        """Jobs whose student had one of these ids."""
        return self._jobs(MODEL_MADE.in_(list(ids)), JobRecord.method.in_(_MAKING))

    def learners_from(self, ids: Sequence[str]) -> dict[str, JobRecord]:
        """Jobs that learn or start from one of these, are going to, or did, newest first."""
        sources = or_(
            TAUGHT_BY.has_any(array(ids)), TRANSFERRED_FROM.in_(ids), STARTED_FROM.in_(ids)
        )
        return self._jobs(sources, JobRecord.state.in_(_GOING))

    def datasets(self, ids: Iterable[str]) -> dict[str, DatasetRecord]:
        """Those of these datasets that are there."""
        query = select(DatasetRecord).options(_DATASETS)
        query = query.where(
            DatasetRecord.project == self._project, DatasetRecord.id.in_(list(ids))
        )
        return {one.id: one for one in self._session.scalars(query)}

    def _models(self, which: ColumnElement[bool]) -> dict[str, ModelRecord]:
        query = select(ModelRecord).options(_MODELS).order_by(ModelRecord.id.desc())
        query = query.where(ModelRecord.project == self._project, which).limit(self._most)
        return {one.id: one for one in self._session.scalars(query)}

    def _jobs(self, *which: ColumnElement[bool]) -> dict[str, JobRecord]:
        query = select(JobRecord).options(_JOBS).order_by(JobRecord.id.desc())
        query = query.where(JobRecord.project == self._project, *which).limit(self._most)
        return {one.id: one for one in self._session.scalars(query)}
