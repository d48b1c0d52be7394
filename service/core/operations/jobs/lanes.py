"""Which jobs are short: by their method, and by the size of the networks that they run."""

from sqlalchemy import ColumnElement, and_, exists, literal_column, not_, or_, select
from sqlalchemy.orm import Session

from service.core.catalog import JobLane, MethodKind, all_methods
from service.core.tables import JobRecord, ModelRecord

SHORT_METHODS = frozenset(spec.name for spec in all_methods() if spec.lane is JobLane.SHORT)
_RUNNING_KINDS = (
    MethodKind.MODEL_CHECK,
    MethodKind.GRAPH,
    MethodKind.HEAT_MAPS,
    MethodKind.ESTIMATES,
    MethodKind.LAYER_SELECTION,
)
_RUNNING_METHODS = frozenset(spec.name for spec in all_methods() if spec.kind in _RUNNING_KINDS)
_LARGE_BYTES = 512 * 1024**2
# Every text among the inputs, ids among them, at whatever depth.
_TEXTS: ColumnElement[str] = literal_column(
    """jsonb_path_query(jobs.inputs, '$.** ? (@.type() == "string")') #>> '{}'"""
)


def is_short(*, most_flops: float) -> ColumnElement[bool]:
    """The condition that a job is short.

    It is not if it is a training, or if it runs a network with more than ``most_flops`` operations
    per image. These are known once the network has been checked; its first check is short unless
    the upload is large.
    """
    unchecked = ModelRecord.flops.is_(None)
    texts = select(_TEXTS).correlate(JobRecord)
    large = (
        select(ModelRecord.id)
        .where(
            ModelRecord.project == JobRecord.project,
            ModelRecord.id.in_(texts),
            or_(
                ModelRecord.flops > most_flops,
                unchecked & (ModelRecord.upload_bytes > _LARGE_BYTES),
            ),
        )
        .correlate(JobRecord)
    )
    return and_(
        JobRecord.method.in_(SHORT_METHODS),
        not_(and_(JobRecord.method.in_(_RUNNING_METHODS), exists(large))),
    )


def lane_of(session: Session, job: JobRecord, *, most_flops: float) -> JobLane:
    """The lane of a job."""
    condition = is_short(most_flops=most_flops)
    short = session.scalar(
        select(condition).where(JobRecord.project == job.project, JobRecord.id == job.id)
    )
    return JobLane.SHORT if short else JobLane.LONG
