"""Rankings: create, measure what is missing, complete, read. Each kind of metric has a module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import fused_ranking, ranking
from service.core.catalog import transferability_estimators as estimators
from service.core.catalog.depara import EDGE_WEIGHTS
from service.core.catalog.measurement import (
    AUTO,
    LABEL_SCORE_OF,
    LABELS,
    LABELS_AND_HISTORY,
    POSTERIORS,
    Estimator,
    Metric,
)
from service.core.errors import FieldProblem, InvalidRequestError
from service.core.fingerprints import fingerprint
from service.core.operations import names
from service.core.operations.rankings import (
    advice,
    appearances,
    by_estimator,
    by_graph,
    choices,
    costs,
    fused,
)
from service.core.operations.rankings.completion import add_findings, add_warnings
from service.core.operations.rankings.copies import with_copies_below
from service.core.operations.rankings.groups import with_equals, with_groups
from service.core.operations.rankings.schemas import RankingRequest
from service.core.operations.zoo import datasets
from service.core.tables import RankingRecord, RankingState

Items = list[dict[str, Any]]


@dataclass(frozen=True)
class MetricKind:
    """How rankings by one kind of metric are created and read.

    Attributes:
        version: Version of the method whose numbers order the candidates.
        create: A new ranking, ready or pending.
        progress: How far a pending one is.
        ordered: Items best first by an edge weight, and the candidates without a rank.
    """

    version: int
    create: Callable[..., RankingRecord]
    progress: Callable[[Session, RankingRecord], dict[str, Any]]
    ordered: Callable[[RankingRecord, float], tuple[Items, Items]]


def _kind(version: int, module: Any) -> MetricKind:
    return MetricKind(version, module.create, module.progress, module.ordered)


_KINDS: Mapping[str, MetricKind] = {
    **dict.fromkeys((*Estimator, LABELS), _kind(estimators.SPEC.version, by_estimator)),
    # After the estimators: by the names that both have, networks are compared unless labels replace one.
    **dict.fromkeys(Metric, _kind(ranking.SPEC.version, by_graph)),
    **dict.fromkeys(POSTERIORS, _kind(fused_ranking.SPEC.version, fused)),
}
_BY_LABELS = _kind(estimators.SPEC.version, by_estimator)


def _kind_of(record: RankingRecord) -> MetricKind:
    """What serves a ranking: a likeness without a target network is that to the labels."""
    if record.metric in LABEL_SCORE_OF and record.target_model_id is None:
        return _BY_LABELS
    return _KINDS[record.metric]


def create(session: Session, *, project: str, request: RankingRequest) -> RankingRecord:
    """A ranking: ready if everything is measured, otherwise pending with a job.

    Its metric is the requested one, or the one chosen for ``auto``; then ``findings`` says why.

    Raises:
        InvalidRequestError: A model or dataset does not exist or cannot serve.
        ConflictError: The target or the probe set is not ready.
    """
    request = names.with_ids(session, request, project=project)
    choice = None
    if request.metric == AUTO:
        choice = choices.choose(session, project=project, request=request)
        request = choice.applied_to(request)
    kind = _BY_LABELS if request.likens_to_labels else _KINDS[request.metric]
    record = kind.create(session, project=project, request=request)
    if choice is not None:
        add_findings(record, choice={"metric": choice.metric, "reason": choice.reason})
    if record.target_dataset_id is not None:
        doubts = appearances.warnings_of(
            session,
            project=record.project,
            target_id=record.target_dataset_id,
            probe_set_id=record.dataset_id,
        )
        add_warnings(record, doubts)
    target = request.target.dataset_id
    if target is not None and target != record.dataset_id:
        record.shared_images = datasets.shared_images(session, target, record.dataset_id)
    session.flush()
    return record


def cache_key(record: RankingRecord) -> str:
    """Digest of what determines the numbers: evidence, target, candidates and metric."""
    return fingerprint(
        {
            "comparable_key": record.comparable_key,
            "version": _kind_of(record).version,
            "metric": record.metric,
            "target": record.target_model_id or record.target_dataset_id,
            "candidates": sorted(candidate["model_id"] for candidate in record.candidates),
        }
    )


def progress(session: Session, *, ranking: RankingRecord) -> dict[str, Any] | None:
    """Progress of a pending ranking: how many of the jobs it waits for have finished."""
    if ranking.state != RankingState.PENDING or ranking.job_id is None:
        return None
    return _kind_of(ranking).progress(session, ranking)


def ordered(ranking: RankingRecord, *, edge_weight: float) -> tuple[Items, Items]:
    """Items best first, near copies below the better one; and the candidates without a rank."""
    if ranking.state != RankingState.READY:
        return [], ranking.unranked
    items, without = _kind_of(ranking).ordered(ranking, edge_weight)
    complete_items = [{"same_weights_as": [], **item} for item in with_copies_below(items)]
    return costs.marked(_grouped(ranking, complete_items)), [*ranking.unranked, *without]


def _grouped(ranking: RankingRecord, items: Items) -> Items:
    """The items with their groups: by intervals, or by labels as the advice names them."""
    if items and ranking.metric in (LABELS, LABELS_AND_HISTORY):
        equals = advice.indistinct(ranking.metric, items, findings=ranking.findings or {})
        return with_equals(items, equals)
    return with_groups(items)


def weight_of(record: RankingRecord, requested: float | None) -> float:
    """The λ to order by: the requested one, or else the ranking's own.

    Raises:
        InvalidRequestError: ``edge_weight_not_supported``: the metric has no edges.
    """
    if requested and record.metric not in EDGE_WEIGHTS:
        raise InvalidRequestError(
            f"the metric {record.metric} has no edges",
            code="edge_weight_not_supported",
            remedy=f"create a ranking with the metric {' or '.join(EDGE_WEIGHTS)}",
            errors=[FieldProblem("/edge_weight", f"must be 0 for the metric {record.metric}")],
        )
    return record.edge_weight if requested is None else requested
