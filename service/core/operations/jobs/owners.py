"""What a job's fate means for the thing it was made for: a model, a dataset, a ranking."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import transferability_estimators
from service.core.operations.rankings import estimator_completion
from service.core.tables import (
    DatasetRecord,
    DatasetState,
    JobRecord,
    LayerSelectionRecord,
    LayerSelectionState,
    ModelRecord,
    ModelState,
    RankingRecord,
    RankingState,
)


@dataclass(frozen=True)
class Owner:
    """The record a method works for, and its states along the job's life."""

    record: type[Any]
    input_name: str
    queued: str
    running: str
    failed: str
    tell: Callable[[Any, dict[str, Any] | None], None]


def _tell_problems(record: ModelRecord | DatasetRecord, error: dict[str, Any] | None) -> None:
    """Models and datasets list their problems."""
    record.problems = [] if error is None else [error]
    record.version += 1


def _tell_error(
    record: RankingRecord | LayerSelectionRecord, error: dict[str, Any] | None
) -> None:
    """A ranking or layer selection has one error or none."""
    record.error = error


_OWNERS = {
    "model_validation": Owner(
        ModelRecord,
        "model_id",
        ModelState.UPLOADED,
        ModelState.CHECKING,
        ModelState.REJECTED,
        _tell_problems,
    ),
    "reference_network": Owner(
        ModelRecord,
        "model_id",
        ModelState.PENDING,
        ModelState.PENDING,
        ModelState.REJECTED,
        _tell_problems,
    ),
    "dataset_ingestion": Owner(
        DatasetRecord,
        "dataset_id",
        DatasetState.UPLOADED,
        DatasetState.CHECKING,
        DatasetState.REJECTED,
        _tell_problems,
    ),
    "ranking": Owner(
        RankingRecord,
        "ranking_id",
        RankingState.PENDING,
        RankingState.PENDING,
        RankingState.FAILED,
        _tell_error,
    ),
    "fused_ranking": Owner(
        RankingRecord,
        "ranking_id",
        RankingState.PENDING,
        RankingState.PENDING,
        RankingState.FAILED,
        _tell_error,
    ),
    "layer_selection": Owner(
        LayerSelectionRecord,
        "selection_id",
        LayerSelectionState.PENDING,
        LayerSelectionState.PENDING,
        LayerSelectionState.FAILED,
        _tell_error,
    ),
}


def job_started(session: Session, job: JobRecord) -> None:
    """The owner, if the method has one, is being worked on."""
    _move(session, job, state="running", error=None)


def job_ended_badly(session: Session, job: JobRecord, error: dict[str, Any]) -> None:
    """The owner is rejected or failed, with the job's error as the reason.

    Rankings that only waited for judgements go on without this one.
    """
    _move(session, job, state="failed", error=error)
    if job.method == transferability_estimators.SPEC.name:
        estimator_completion.settle(session, job_id=job.id)


def job_queued_again(session: Session, job: JobRecord) -> None:
    """The owner waits for the job again."""
    _move(session, job, state="queued", error=None)


def _move(session: Session, job: JobRecord, *, state: str, error: dict[str, Any] | None) -> None:
    """Set the owner's state, unless it is already what it should be or no longer exists."""
    owner = _OWNERS.get(job.method)
    if owner is None:
        return
    record = session.get(owner.record, job.inputs[owner.input_name], with_for_update=True)
    if record is None or record.state == getattr(owner, state):
        return
    record.state = getattr(owner, state)
    owner.tell(record, error)
    session.flush()
