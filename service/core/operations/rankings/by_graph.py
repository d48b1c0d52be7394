"""Rankings by attribution maps and DEPARA graphs: measure what is missing, compare, fill in."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.catalog import ranking
from service.core.ids import IdKind, new_id
from service.core.operations.jobs.internal_jobs import RANKING_PRIORITY, submit_for
from service.core.operations.measurements import graphs, measurements
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
    """A ranking: ready at once when everything was measured before, else pending with a job.

    Raises:
        InvalidRequestError: A model or dataset does not exist or cannot serve.
        ConflictError: The target or the probe set is not ready.
    """
    participants = resolve_participants(session, project=project, request=request)
    record = _record_of(participants, request, project=project)
    session.add(record)
    session.flush()
    known = _known(session, record)
    waiting = _measure_missing(
        session, record, participants=participants, request=request, known=known
    )
    if waiting or _unknown(known):
        submit_for(
            session,
            record,
            method=ranking.SPEC.name,
            inputs={"ranking_id": record.id},
            depends_on=waiting,
            priority=RANKING_PRIORITY,
        )
    else:
        _fill(session, record, known)
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
    known: "_Known",
) -> list[str]:
    """Jobs for the graphs that are missing, each noted beside its candidate."""
    missing = [model for model in participants.candidates if model.id not in known.graphs]
    if known.target is None:
        missing.append(participants.target)
    ordered = measurements.measure(
        session, models=missing, probes=participants.probes, settings=request.measured_with
    )
    record.candidates = [
        {**one, "job_id": ordered.get(one["model_id"])} for one in record.candidates
    ]
    return list(ordered.values())


@dataclass(frozen=True)
class _Known:
    """What is measured of a ranking: the target's graph, the candidates', their similarities."""

    target: GraphRecord | None
    graphs: dict[str, GraphRecord]
    affinities: dict[str, AffinityRecord]


def _known(session: Session, record: RankingRecord) -> _Known:
    target_id = target_of(record)
    ids = [target_id, *(one["model_id"] for one in record.candidates)]
    found = measurements.known_graphs(
        session, project=record.project, comparable=record.comparable_key, model_ids=ids
    )
    target = found.pop(target_id, None)
    if target is None:
        return _Known(None, found, {})
    others = [graph.id for graph in found.values()]
    known = affinities.of_graph(session, graph_id=target.id, others=others)
    return _Known(target, found, known)


def _unknown(known: _Known) -> list[GraphRecord]:
    """Graphs whose similarity to the target is not known; a degenerate target is left to the job."""
    if known.target is None or known.target.status == GraphStatus.DEGENERATE:
        return list(known.graphs.values())
    return [
        graph
        for graph in known.graphs.values()
        if graph.id not in known.affinities and graph.status != GraphStatus.DEGENERATE
    ]


def still_to_compare(session: Session, *, ranking: RankingRecord) -> list[GraphRecord]:
    """Graphs of candidates whose similarity to the target is not known yet."""
    return _unknown(_known(session, ranking))


def finish(session: Session, *, ranking: RankingRecord) -> None:
    """Fill a ranking from the similarities that are known; who has none is listed with a reason."""
    _fill(session, ranking, _known(session, ranking))


def _fill(session: Session, ranking: RankingRecord, known: _Known) -> None:
    told_names = names(session, [one["model_id"] for one in ranking.candidates])
    failed = errors(session, ranking.candidates)
    pairs, unranked = [], list(ranking.unranked)
    for candidate in ranking.candidates:
        model_id = candidate["model_id"]
        graph = known.graphs.get(model_id)
        found = None if graph is None else known.affinities.get(graph.id)
        if found is not None and found.node_similarity is not None:
            told = {"model_id": model_id, "name": told_names.get(model_id, "")}
            pairs.append({**told, **affinities.parts_of(found)})
        else:
            unranked.append(_reason(model_id, graph, failed.get(candidate["job_id"], {})))
    complete(session, ranking, pairs=pairs, unranked=unranked)


def _reason(model_id: str, graph: GraphRecord | None, error: dict[str, Any]) -> dict[str, Any]:
    """Why a candidate has no place; ``error`` is what its measurement failed with."""
    if graph is None:
        return reason(model_id, error)
    if graph.status == GraphStatus.OK:
        return reason(model_id, {"code": "too_few_common_probes", "detail": _TOO_FEW})
    detail = graph.detail or "see the measurement"
    return reason(model_id, {"code": graph.status, "detail": detail})


def target_of(ranking: RankingRecord) -> str:
    """Id of the network that all candidates are compared with."""
    assert ranking.target_model_id is not None, "a ranking by graphs has a target network"
    return ranking.target_model_id


def progress(session: Session, ranking: RankingRecord) -> dict[str, Any]:
    """How many of the jobs that its own job waits for have ended, and whether that has."""
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
    return scores.ordered(ranking.pairs, edge_weight=edge_weight)
