"""What a job's progress means for the thing that the job works for, by method in one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import (
    concept_search,
    dataset_ingestion,
    fused_ranking,
    layer_selection,
    model_validation,
    ranking,
    reference_network,
    transferability_estimators,
)
from service.core.operations import owned_rows
from service.core.operations.rankings import estimator_completion
from service.core.tables import (
    ConceptSearchRecord,
    ConceptSearchState,
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
class JobOwner:
    """The record that a method works for, and its state while the job lives.

    Attributes:
        input_name: The input of the job that holds the record's id.
        set_error: Stores the error of a failed job; None clears it.
    """

    record: type[Any]
    input_name: str
    queued: str
    running: str
    failed: str
    set_error: Callable[[Any, dict[str, Any] | None], None]


def _set_problems(record: ModelRecord | DatasetRecord, error: dict[str, Any] | None) -> None:
    """Models and datasets list their problems."""
    record.problems = [] if error is None else [error]
    record.version += 1


def _set_error(
    record: RankingRecord | LayerSelectionRecord | ConceptSearchRecord,
    error: dict[str, Any] | None,
) -> None:
    """Rankings, layer selections and concept searches have at most one error."""
    record.error = error


_RANKING = JobOwner(
    RankingRecord,
    "ranking_id",
    RankingState.PENDING,
    RankingState.PENDING,
    RankingState.FAILED,
    _set_error,
)
_OWNERS: Mapping[str, JobOwner] = {
    model_validation.SPEC.name: JobOwner(
        ModelRecord,
        "model_id",
        ModelState.UPLOADED,
        ModelState.CHECKING,
        ModelState.REJECTED,
        _set_problems,
    ),
    reference_network.SPEC.name: JobOwner(
        ModelRecord,
        "model_id",
        ModelState.PENDING,
        ModelState.PENDING,
        ModelState.REJECTED,
        _set_problems,
    ),
    dataset_ingestion.SPEC.name: JobOwner(
        DatasetRecord,
        "dataset_id",
        DatasetState.UPLOADED,
        DatasetState.CHECKING,
        DatasetState.REJECTED,
        _set_problems,
    ),
    ranking.SPEC.name: _RANKING,
    fused_ranking.SPEC.name: _RANKING,
    layer_selection.SPEC.name: JobOwner(
        LayerSelectionRecord,
        "selection_id",
        LayerSelectionState.PENDING,
        LayerSelectionState.PENDING,
        LayerSelectionState.FAILED,
        _set_error,
    ),
    concept_search.SPEC.name: JobOwner(
        ConceptSearchRecord,
        "search_id",
        ConceptSearchState.PENDING,
        ConceptSearchState.PENDING,
        ConceptSearchState.FAILED,
        _set_error,
    ),
}
# Rankings share estimates, so a failed one fails none of them: they complete without it.
_AFTER_FAILURE: Mapping[str, Callable[..., None]] = {
    transferability_estimators.SPEC.name: estimator_completion.complete_rankings,
}


class JobOwners:
    """The ``JobObserver`` that keeps models, datasets, rankings, selections and searches in step."""

    def started(self, session: Session, job: JobRecord) -> None:
        """The owner is being worked on."""
        _update(session, job, state="running", error=None)

    def failed(self, session: Session, job: JobRecord, error: dict[str, Any]) -> None:
        """The owner is rejected or failed, with the job's error as the reason."""
        _update(session, job, state="failed", error=error)
        handler = _AFTER_FAILURE.get(job.method)
        if handler is not None:
            handler(session, job=job)

    def retried(self, session: Session, job: JobRecord) -> None:
        """The owner waits for the job again."""
        _update(session, job, state="queued", error=None)


def _update(session: Session, job: JobRecord, *, state: str, error: dict[str, Any] | None) -> None:
    """Set the owner's state, unless it has that state already or no longer exists."""
    owner = _OWNERS.get(job.method)
    if owner is None:
        return
    record_id = job.inputs[owner.input_name]
    record = owned_rows.find_locked(session, owner.record, project=job.project, id=record_id)
    if record is None or record.state == getattr(owner, state):
        return
    if state == "failed" and record.state == ModelState.DAMAGED:
        # Damage is no verdict on the upload; the repair submits its check again.
        return
    record.state = getattr(owner, state)
    owner.set_error(record, error)
    session.flush()
