"""Rankings by attribution maps and DEPARA graphs: measure missing graphs, compare, complete."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.catalog import ranking
from service.core.ids import IdKind, new_id
from service.core.operations.jobs.internal_jobs import RANKING_PRIORITY, submit_for
from service.core.operations.measurements import graphs, measurements, reference_networks
from service.core.operations.measurements.effective_probes import require_enough
from service.core.operations.rankings import affinities, scores
from service.core.operations.rankings.completion import complete, errors, names, reason
from service.core.operations.rankings.participants import RankingParticipants, resolve_participants
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import (
    FINAL_STATES,
    AffinityRecord,
    GraphRecord,
    GraphStatus,
    JobDependencyRecord,
    JobRecord,
    RankingRecord,
    RankingState,
)

_TOO_FEW = "too few probes are valid for both networks"


def create(session: Session, *, project: str, request: RankingRequest) -> RankingRecord:
    """A ranking: ready if everything is measured and compared, otherwise pending with a job.

    Raises:
        InvalidRequestError: A model or dataset does not exist or cannot serve; ``too_few_probes``.
        ConflictError: The target or the probe set is not ready; or ``reference_near_chance``.
    """
    participants = resolve_participants(session, project=project, request=request)
    reference_networks.require_useful(participants.target)
    record = _record_of(participants, request, project=project)
    record.effective_probes = require_enough(session, participants.probes)
    session.add(record)
    session.flush()
    evidence = _evidence(session, record)
    waiting = _measure_missing(
        session, record, participants=participants, request=request, evidence=evidence
    )
    if waiting or _uncompared(evidence):
        submit_for(
            session,
            record,
            method=ranking.SPEC.name,
            inputs={"ranking_id": record.id},
            depends_on=waiting,
            priority=RANKING_PRIORITY,
        )
    else:
        _fill(session, record, evidence)
    session.flush()
    return record


def _record_of(
    participants: RankingParticipants, request: RankingRequest, *, project: str
) -> RankingRecord:
    return RankingRecord(
        id=new_id(IdKind.RANKING),
        project=project,
        state=RankingState.PENDING,
        metric=request.metric,
        edge_weight=request.weight,
        request=request.model_dump(mode="json"),
        target_model_id=participants.target.id,
        target_dataset_id=request.target.dataset_id,
        dataset_id=participants.probes.id,
        comparable_key=graphs.comparable_key(
            participants.probes.manifest_sha256 or "", request.measured_with
        ),
        candidates=[{"model_id": model.id, "job_id": None} for model in participants.candidates],
        pairs=[],
        unranked=participants.unranked,
    )


def _measure_missing(
    session: Session,
    record: RankingRecord,
    *,
    participants: RankingParticipants,
    request: RankingRequest,
    evidence: "_Evidence",
) -> list[str]:
    """Jobs that measure the missing graphs; each candidate records its own, or the one that failed."""
    probes, settings = participants.probes, request.measured_with
    missing = [model for model in participants.candidates if model.id not in evidence.graphs]
    failed = measurements.failed_for_good(
        session, models=missing, probes=probes, settings=settings
    )
    missing = [model for model in missing if model.id not in failed]
    if evidence.target is None:
        missing.append(participants.target)
    job_ids = measurements.measure(session, models=missing, probes=probes, settings=settings)
    record.candidates = [
        {**candidate, "job_id": (failed | job_ids).get(candidate["model_id"])}
        for candidate in record.candidates
    ]
    return list(job_ids.values())


@dataclass(frozen=True)
class _Evidence:
    """The measured graphs of a ranking's target and candidates, and their similarities."""

    target: GraphRecord | None
    graphs: dict[str, GraphRecord]
    affinities: dict[str, AffinityRecord]


def _evidence(session: Session, record: RankingRecord) -> _Evidence:
    target_id = target_of(record)
    ids = [target_id, *(candidate["model_id"] for candidate in record.candidates)]
    by_model = measurements.known_graphs(
        session, project=record.project, comparable=record.comparable_key, model_ids=ids
    )
    target = by_model.pop(target_id, None)
    if target is None:
        return _Evidence(None, by_model, {})
    others = [graph.id for graph in by_model.values()]
    similarities = affinities.of_graph(session, graph_id=target.id, others=others)
    return _Evidence(target, by_model, similarities)


def _uncompared(evidence: _Evidence) -> list[GraphRecord]:
    """Graphs without a similarity to the target; the job itself handles a degenerate target."""
    if evidence.target is None or evidence.target.status == GraphStatus.DEGENERATE:
        return list(evidence.graphs.values())
    return [
        graph
        for graph in evidence.graphs.values()
        if graph.id not in evidence.affinities and graph.status != GraphStatus.DEGENERATE
    ]


def still_to_compare(session: Session, *, ranking: RankingRecord) -> list[GraphRecord]:
    """Graphs of candidates that have no similarity to the target yet."""
    return _uncompared(_evidence(session, ranking))


def finish(session: Session, *, ranking: RankingRecord) -> None:
    """Complete a ranking from stored similarities; candidates without one get a reason."""
    _fill(session, ranking, _evidence(session, ranking))


def _fill(session: Session, ranking: RankingRecord, evidence: _Evidence) -> None:
    names_by_id = names(
        session,
        project=ranking.project,
        ids=[candidate["model_id"] for candidate in ranking.candidates],
    )
    failed = errors(session, ranking=ranking)
    pairs, unranked = [], list(ranking.unranked)
    for candidate in ranking.candidates:
        model_id = candidate["model_id"]
        graph = evidence.graphs.get(model_id)
        affinity = None if graph is None else evidence.affinities.get(graph.id)
        if affinity is not None and affinity.node_similarity is not None:
            model = {"model_id": model_id, "name": names_by_id.get(model_id, "")}
            pairs.append({**model, **affinities.parts_of(affinity)})
        else:
            unranked.append(_reason(model_id, graph, failed.get(candidate["job_id"], {})))
    complete(session, ranking, pairs=pairs, unranked=unranked)


def _reason(model_id: str, graph: GraphRecord | None, error: dict[str, Any]) -> dict[str, Any]:
    """Why a candidate has no rank; ``error`` is the error of its measurement, if it failed."""
    if graph is None:
        return reason(model_id, error)
    if graph.status == GraphStatus.OK:
        return reason(model_id, {"code": "too_few_common_probes", "detail": _TOO_FEW})
    detail = graph.detail or "see the measurement"
    return reason(model_id, {"code": graph.status, "detail": detail})


def target_of(ranking: RankingRecord) -> str:
    """Id of the network with which all candidates are compared."""
    assert ranking.target_model_id is not None, "a ranking by graphs has a target network"
    return ranking.target_model_id


def progress(session: Session, ranking: RankingRecord) -> dict[str, Any]:
    """How many of the jobs before the ranking's own job have finished."""
    ended = func.count().filter(JobRecord.state.in_(FINAL_STATES))
    query = (
        select(func.count(), ended)
        .select_from(JobDependencyRecord)
        .join(JobRecord, JobRecord.id == JobDependencyRecord.depends_on)
        .where(JobDependencyRecord.job_id == ranking.job_id)
    )
    total, step = session.execute(query).one()
    return {
        "step": step,
        "total": total + 1,
        "message": "measuring" if step < total else "comparing",
    }


def ordered(
    ranking: RankingRecord, edge_weight: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Items best first, and the candidates that have no score at this edge weight."""
    return scores.ordered(
        ranking.pairs, edge_weight=edge_weight, effective_probes=ranking.effective_probes
    )
