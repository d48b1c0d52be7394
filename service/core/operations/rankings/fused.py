"""Rankings by a posterior over the accuracy of every candidate, given all available evidence."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalog import fused_ranking
from service.core.catalog.fused_ranking import FusedRankingParams
from service.core.catalog.measurement import LABELS_AND_HISTORY
from service.core.operations import owned_rows
from service.core.operations.accuracies import history
from service.core.operations.jobs.internal_jobs import RANKING_PRIORITY, submit_for
from service.core.operations.measurements import estimates
from service.core.operations.rankings import by_graph, consensus, fit, fusion_evidence
from service.core.operations.rankings.completion import add_findings, add_warnings, complete, names
from service.core.operations.rankings.copies import (
    copies_among,
    near_copies_among,
    without_copies,
)
from service.core.operations.rankings.dataset_targets import (
    create_pending,
    measure_missing,
    resolve_dataset_participants,
)
from service.core.operations.rankings.estimator_completion import unfinished
from service.core.operations.rankings.schemas import EstimatorEvidence, RankingRequest
from service.core.tables import DatasetRecord, RankingRecord, RankingState

progress = by_graph.progress


def create(session: Session, *, project: str, request: RankingRequest) -> RankingRecord:
    """A ranking: ready if the same evidence has been used before, otherwise pending.

    Raises:
        InvalidRequestError: A model or dataset does not exist; or estimators must be measured and
            the target has no labels.
        ConflictError: The target is not ready.
        TooLargeError: There are more networks than one posterior supports.
    """
    participants = resolve_dataset_participants(session, project=project, request=request)
    measuring = request.estimators is not EstimatorEvidence.KNOWN
    job_ids = measure_missing(session, participants=participants) if measuring else {}
    ranking = create_pending(
        session, participants=participants, request=request, job_ids=job_ids, comparable=""
    )
    take_evidence(session, ranking=ranking)
    waiting = unfinished(session, ranking)
    earlier = None if waiting else _made_before(session, ranking)
    if earlier is not None:
        _copy(session, ranking, earlier)
    elif ranking.candidates:
        submit_for(
            session,
            ranking,
            method=fused_ranking.SPEC.name,
            inputs={"ranking_id": ranking.id},
            depends_on=sorted(waiting),
            priority=RANKING_PRIORITY,
        )
    else:
        complete(session, ranking, pairs=[], unranked=ranking.unranked)
    return ranking


def take_evidence(session: Session, *, ranking: RankingRecord) -> dict[str, Any]:
    """The current evidence, whose key the ranking now stores."""
    evidence = fusion_evidence.gather(session, ranking=ranking)
    ranking.comparable_key = fusion_evidence.key_of(evidence)
    session.flush()
    return evidence


def _made_before(session: Session, ranking: RankingRecord) -> RankingRecord | None:
    """The newest ready ranking with the same evidence."""
    query = (
        select(RankingRecord)
        .where(
            RankingRecord.project == ranking.project,
            RankingRecord.comparable_key == ranking.comparable_key,
            RankingRecord.metric == ranking.metric,
            RankingRecord.state == RankingState.READY,
        )
        .order_by(RankingRecord.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def _copy(session: Session, ranking: RankingRecord, earlier: RankingRecord) -> None:
    ranking.findings = {k: v for k, v in (earlier.findings or {}).items() if k != "choice"}
    names_by_id = names(
        session, project=ranking.project, ids=[pair["model_id"] for pair in earlier.pairs]
    )
    pairs = [{**pair, "name": names_by_id.get(pair["model_id"], "")} for pair in earlier.pairs]
    complete(session, ranking, pairs=pairs, unranked=ranking.unranked)


def fill(session: Session, *, ranking: RankingRecord, posterior: Mapping[str, Any]) -> None:
    """Make the ranking ready with the method's result as plain values."""
    ids = [estimate["model"] for estimate in posterior["estimates"]]
    measured = [
        estimate["model"]
        for estimate in posterior["estimates"]
        if estimate["measured"] is not None
    ]
    copies = copies_among(session, project=ranking.project, ids=ids)
    near = near_copies_among(session, project=ranking.project, ids=ids)
    equals = {id_: [*copies.get(id_, ()), *near.get(id_, ())] for id_ in ids}
    best_set = {
        "model_ids": list(posterior["best_set"]),
        "coverage": FusedRankingParams().coverage,
        "probability": posterior["best_set_probability"],
    }
    add_findings(
        ranking,
        best_set=best_set,
        expected_regret=posterior["expected_regret"],
        measure_next=without_copies(posterior["measure_next"], equals, measured=measured),
        evidence=dict(posterior["evidence"]),
    )
    add_warnings(ranking, _warnings(session, ranking))
    names_by_id = names(session, project=ranking.project, ids=ids)
    pairs = [
        _pair(estimate, names_by_id.get(estimate["model"], ""))
        for estimate in posterior["estimates"]
    ]
    if ranking.metric == LABELS_AND_HISTORY:
        pairs = _with_labels(session, ranking, pairs)
    complete(session, ranking, pairs=pairs, unranked=ranking.unranked)


def _warnings(session: Session, ranking: RankingRecord) -> list[dict[str, str]]:
    """The warning that intervals are wide because no history narrows them; empty with history."""
    cells = history.cells(
        session, project=ranking.project, protocol=ranking.request.get("protocol")
    )
    if any(cell.dataset != ranking.target_dataset_id for cell in cells):
        return []
    return [
        {
            "code": "no_history",
            "detail": "the intervals are wide because no accuracy of any network is recorded on"
            " another dataset, from which to learn what the scores are worth",
            "remedy": "record accuracies that you have measured with POST /v1/accuracies",
        }
    ]


def _with_labels(
    session: Session, ranking: RankingRecord, pairs: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The pairs in the order of the mean of both evidences, standardized; it is their new score."""
    target = owned_rows.get(session, DatasetRecord, project=ranking.project, id=ranking.dataset_id)
    estimated = estimates.stored(
        session,
        project=ranking.project,
        comparable=estimates.comparable_key(target),
        model_ids=[pair["model_id"] for pair in pairs],
    )
    add_warnings(ranking, fit.warnings_of(session, target=target, estimated=estimated))
    scores = {
        "labels": consensus.of_labels(estimated),
        "history": {pair["model_id"]: pair["mean"] for pair in pairs},
    }
    means = consensus.standardized_means(scores, names=tuple(scores))
    joined = [{**pair, "score": means[pair["model_id"]]} for pair in pairs]
    return sorted(joined, key=lambda pair: (-pair["score"], pair["model_id"]))


def _pair(estimate: Mapping[str, Any], name: str) -> dict[str, Any]:
    fields = ("mean", "deviation", "p_best", "expected_regret", "measured")
    return {
        "model_id": estimate["model"],
        "name": name,
        "score": estimate["mean"],
        "interval": [estimate["low"], estimate["high"]],
        **{field: estimate[field] for field in fields},
    }


def ordered(
    ranking: RankingRecord, edge_weight: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All items, highest expected accuracy first; none is without a rank."""
    del edge_weight
    shared = {"node_similarity": None, "edge_similarity": None, "valid_probes": None}
    return [{"rank": rank, **shared, **pair} for rank, pair in enumerate(ranking.pairs, 1)], []
