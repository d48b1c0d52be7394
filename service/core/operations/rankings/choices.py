"""The choice of the metric ``auto``: the best evidence there is, and why it was taken."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import FUSED, LABELS, LABELS_AND_HISTORY, LIKENESS
from service.core.counts import counted
from service.core.errors import FieldProblem, InvalidRequestError
from service.core.operations import owned_rows
from service.core.operations.accuracies import history
from service.core.operations.error_pointers import error_pointer
from service.core.operations.rankings.participants import candidates_of
from service.core.operations.rankings.schemas import EstimatorEvidence, RankingRequest
from service.core.tables import DatasetRecord

# Means at 5 and 10 labels per class on the held-back targets of docs/results/real_transfer.md.
HOW_GOOD = (
    "on four targets held back it ordered 14 networks with a mean Spearman correlation of 0.83"
)
FEWEST_DATASETS = 3
_FEWEST_CLASSES = 2


@dataclass(frozen=True)
class Choice:
    """A metric in place of ``auto``, and the reason in a sentence."""

    metric: str
    reason: str

    def applied_to(self, request: RankingRequest) -> RankingRequest:
        """The request with this metric, without options that it does not take."""
        changes: dict[str, Any] = {"metric": self.metric}
        if self.metric != LIKENESS:
            changes |= {"probe_set_id": None, "settings": DeparaParams()}
        if self.metric == FUSED:
            changes |= {"estimators": EstimatorEvidence.KNOWN}
        elif self.metric != LABELS_AND_HISTORY:
            changes |= {"estimators": None}
        return request.model_copy(update=changes)


@dataclass(frozen=True)
class _History:
    """Recorded accuracies that can help: datasets that tell candidates apart, runs on the target."""

    datasets: int
    runs: int

    @property
    def is_enough(self) -> bool:
        """Whether the posterior has something to learn from."""
        return self.datasets >= FEWEST_DATASETS or self.runs > 0

    def __str__(self) -> str:
        noun = "run" if self.runs == 1 else "runs"
        runs = f" and {self.runs} measured {noun} on the target" if self.runs else ""
        return f"accuracies of the candidates on {self.datasets} other datasets{runs}"


def choose(session: Session, *, project: str, request: RankingRequest) -> Choice:
    """The metric for a target network, a labeled dataset, or an unlabeled one with history.

    Raises:
        InvalidRequestError: ``no_evidence``: no labels, no history and no target network.
        ConflictError: The target is not ready.
    """
    if request.target.dataset_id is None:
        return Choice(LIKENESS, "the target is a network, so the candidates are compared with it")
    with error_pointer("/target/dataset_id"):
        target = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=request.target.dataset_id
        )
    choice = _for_dataset(session, project, target, request)
    if request.probe_set_id in (None, target.id):
        return choice
    return Choice(choice.metric, f"{choice.reason}; the probe set is not used")


def _for_dataset(
    session: Session, project: str, target: DatasetRecord, request: RankingRequest
) -> Choice:
    past = _history_of(session, project=project, request=request)
    if len(target.labels or ()) >= _FEWEST_CLASSES and target.canonical_sha256 is not None:
        return _with_labels(target, past)
    if past.is_enough:
        return Choice(FUSED, f"the target has no labels, but there are {past}")
    raise InvalidRequestError(
        f"{target.id} has no labels, and there are no accuracies of the candidates to learn from",
        code="no_evidence",
        remedy="upload five to ten labeled images per class as the target, name a similar network"
        " as the target (target.model_id), or record accuracies with POST /v1/accuracies",
        errors=[FieldProblem("/target/dataset_id", "nothing is known about this target")],
    )


def _with_labels(target: DatasetRecord, past: _History) -> Choice:
    labeled = f"the target has labels of {counted(len(target.labels or ()), 'class')}"
    if past.is_enough:
        return Choice(LABELS_AND_HISTORY, f"{labeled}, and there are {past}; {HOW_GOOD}")
    reason = f"{labeled}, and there is too little history to add to them; {HOW_GOOD}"
    return Choice(LABELS, reason)


def _history_of(session: Session, *, project: str, request: RankingRequest) -> _History:
    """How many datasets have accuracies of at least half of the candidates; runs on the target."""
    cells = history.cells(session, project=project, protocol=request.protocol)
    if not cells:
        return _History(0, 0)
    models, _ = candidates_of(session, project, request.candidates)
    candidates = {model.id for model in models}
    own = [cell for cell in cells if cell.model in candidates]
    target = request.target.dataset_id
    counts = Counter(cell.dataset for cell in own if cell.dataset != target)
    covered = [name for name, count in counts.items() if 2 * count >= len(candidates)]
    return _History(len(covered), sum(cell.dataset == target for cell in own))
