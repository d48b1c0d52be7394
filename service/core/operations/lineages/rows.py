"""The rows behind a lineage, read in batches from one project."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, load_only

from service.core.catalog import all_methods, reference_network
from service.core.catalog.method_spec import Family
from service.core.lineage.graph import Role
from service.core.operations.lineages.origins import Kinship
from service.core.tables import DatasetRecord, JobRecord, JobState, ModelRecord, RelativeRecord
from service.core.tables.job import (
    MODEL_MADE,
    SHARED_FIRST_STAGE,
    STARTED_FROM,
    TAUGHT_BY,
    TRANSFERRED_FROM,
)
from service.core.tables.model import SOURCE, START, TEACHERS

_TRAINING_METHODS = [
    *(spec.name for spec in all_methods() if spec.family is Family.TRAINING),
    reference_network.SPEC.name,
]
_RELEVANT_STATES = (JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED)
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
    """Models, jobs and datasets of a project; rows of other projects are invisible."""

    def __init__(self, session: Session, project: str, most: int) -> None:
        """``most``: limit of rows per query for descendants."""
        self._session = session
        self._project = project
        self._most = most

    def models(self, ids: Iterable[str]) -> dict[str, ModelRecord]:
        """The models among these ids that exist."""
        return self._models(ModelRecord.id.in_(list(ids)))

    def students_of(self, ids: Sequence[str]) -> dict[str, ModelRecord]:
        """Models with one of these as a teacher, source or start, newest first."""
        return self._models(or_(TEACHERS.has_any(array(ids)), SOURCE.in_(ids), START.in_(ids)))

    def jobs(self, ids: Iterable[str]) -> dict[str, JobRecord]:
        """The jobs among these ids that exist."""
        return self._jobs(JobRecord.id.in_(list(ids)))

    def makers_of(self, ids: Iterable[str]) -> dict[str, JobRecord]:
        """Jobs that produced a model with one of these ids."""
        return self._jobs(MODEL_MADE.in_(list(ids)), JobRecord.method.in_(_TRAINING_METHODS))

    def learners_from(self, ids: Sequence[str]) -> dict[str, JobRecord]:
        """Queued, running and successful jobs that learn or start from one of these, newest first."""
        uses = or_(
            TAUGHT_BY.has_any(array(ids)),
            TRANSFERRED_FROM.in_(ids),
            STARTED_FROM.in_(ids),
            SHARED_FIRST_STAGE.in_(ids),
        )
        return self._jobs(uses, JobRecord.state.in_(_RELEVANT_STATES))

    def kinships(self, ids: Sequence[str], *, suggested_of: str) -> list[Kinship]:
        """Descents that people confirmed, of these networks; of one of them also what is suggested."""
        ancestor = func.coalesce(RelativeRecord.confirmed_ancestor_id, RelativeRecord.ancestor_id)
        ends = (RelativeRecord.first_id, RelativeRecord.second_id)
        confirmed = RelativeRecord.confirmed_ancestor_id.is_not(None)
        query = (
            select(*ends, ancestor, confirmed)
            .where(
                RelativeRecord.project == self._project,
                or_(*(end.in_(ids) for end in ends)),
                or_(confirmed, *(end == suggested_of for end in ends)),
                ancestor.is_not(None),
            )
            .order_by(RelativeRecord.second_id.desc())
            .limit(self._most)
        )
        return [
            Kinship(
                parent,
                second if parent == first else first,
                Role.CONFIRMED if is_confirmed else Role.SUGGESTED,
            )
            for first, second, parent, is_confirmed in self._session.execute(query)
        ]

    def datasets(self, ids: Iterable[str]) -> dict[str, DatasetRecord]:
        """The datasets among these ids that exist."""
        query = select(DatasetRecord).options(_DATASETS)
        query = query.where(
            DatasetRecord.project == self._project, DatasetRecord.id.in_(list(ids))
        )
        return {row.id: row for row in self._session.scalars(query)}

    def _models(self, condition: ColumnElement[bool]) -> dict[str, ModelRecord]:
        query = select(ModelRecord).options(_MODELS).order_by(ModelRecord.id.desc())
        query = query.where(ModelRecord.project == self._project, condition).limit(self._most)
        return {row.id: row for row in self._session.scalars(query)}

    def _jobs(self, *condition: ColumnElement[bool]) -> dict[str, JobRecord]:
        query = select(JobRecord).options(_JOBS).order_by(JobRecord.id.desc())
        query = query.where(JobRecord.project == self._project, *condition).limit(self._most)
        return {row.id: row for row in self._session.scalars(query)}
