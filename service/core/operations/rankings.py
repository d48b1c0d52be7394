"""Rankings: ask, measure what is missing, fill in, look."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.catalogue import Audience, ranking
from service.core.catalogue.measurement import Metric
from service.core.errors import FieldProblem, InvalidRequestError, NotFoundError
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.operations import affinities, graphs, jobs, measurements
from service.core.operations.ranking_requests import Cast, RankingRequest, cast_of
from service.core.records import (
    FINAL_STATES,
    AffinityRecord,
    GraphRecord,
    GraphStatus,
    JobDependencyRecord,
    JobRecord,
    ModelRecord,
    RankingRecord,
    RankingState,
)
from service.core.tracing import current_trace_id

_TOO_FEW = "too few probes are valid for both networks"


def create(session: Session, *, project: str, request: RankingRequest) -> RankingRecord:
    """A ranking: ready at once when everything was measured before, else pending with a job.

    Raises:
        InvalidRequestError: A model or dataset does not exist or cannot serve.
        ConflictError: The target or the probe set is not ready.
    """
    cast = cast_of(session, project=project, request=request)
    record = _record_of(cast, request, project=project)
    session.add(record)
    session.flush()
    known = _known(session, record)
    waiting = _measure_missing(session, record, cast=cast, request=request, known=known)
    if waiting or _unknown(known):
        _order_job(session, record, waiting)
    else:
        _fill(session, record, known)
    session.flush()
    return record


def _record_of(cast: Cast, request: RankingRequest, *, project: str) -> RankingRecord:
    return RankingRecord(
        id=new_id(IdKind.RANKING),
        project=project,
        state=RankingState.PENDING,
        metric=request.metric,
        edge_weight=request.weight,
        request=request.model_dump(mode="json"),
        target_model_id=cast.target.id,
        dataset_id=cast.probes.id,
        comparable_key=graphs.comparable_key(cast.probes.manifest_sha256 or "", request.settings),
        candidates=[{"model_id": model.id, "job_id": None} for model in cast.candidates],
        pairs=[],
        unranked=cast.unranked,
    )


def _measure_missing(
    session: Session,
    record: RankingRecord,
    *,
    cast: Cast,
    request: RankingRequest,
    known: "_Known",
) -> list[str]:
    """Jobs for the graphs that are missing, each noted beside its candidate."""
    missing = [model for model in cast.candidates if model.id not in known.graphs]
    if known.target is None:
        missing.append(cast.target)
    ordered = measurements.measure(
        session, models=missing, probes=cast.probes, settings=request.settings
    )
    record.candidates = [
        {**one, "job_id": ordered.get(one["model_id"])} for one in record.candidates
    ]
    return list(ordered.values())


def _order_job(session: Session, record: RankingRecord, depends_on: list[str]) -> None:
    job = jobs.submit(
        session,
        project=record.project,
        method=ranking.CARD.name,
        inputs={"ranking_id": record.id},
        params={},
        depends_on=depends_on,
        priority=1,
        trace_id=current_trace_id(),
        audience=Audience.INTERNAL,
    )
    record.job_id = job.id


@dataclass(frozen=True)
class _Known:
    """What is measured of a ranking: the target's graph, the candidates', their similarities."""

    target: GraphRecord | None
    graphs: dict[str, GraphRecord]
    affinities: dict[str, AffinityRecord]


def _known(session: Session, record: RankingRecord) -> _Known:
    ids = [record.target_model_id, *(one["model_id"] for one in record.candidates)]
    found = measurements.known_graphs(
        session, project=record.project, comparable=record.comparable_key, model_ids=ids
    )
    target = found.pop(record.target_model_id, None)
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
    names = _names(session, [one["model_id"] for one in ranking.candidates])
    errors = _errors(session, ranking.candidates)
    pairs, unranked = [], list(ranking.unranked)
    for candidate in ranking.candidates:
        model_id = candidate["model_id"]
        graph = known.graphs.get(model_id)
        found = None if graph is None else known.affinities.get(graph.id)
        if found is not None and found.node_similarity is not None:
            told = {"model_id": model_id, "name": names.get(model_id, "")}
            pairs.append({**told, **affinities.parts_of(found)})
        else:
            unranked.append(_reason(model_id, graph, errors.get(candidate["job_id"], {})))
    ranking.pairs, ranking.unranked = pairs, unranked
    ranking.state = RankingState.READY
    ranking.error = None
    session.flush()


def _names(session: Session, ids: list[str]) -> dict[str, str]:
    """Names of models as they are now; a ranking keeps them."""
    query = select(ModelRecord.id, ModelRecord.name).where(ModelRecord.id.in_(ids))
    return {row.id: row.name for row in session.execute(query)}


def _errors(session: Session, candidates: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Why jobs failed that were to measure candidates, by job."""
    ids = [one["job_id"] for one in candidates if one["job_id"] is not None]
    query = select(JobRecord.id, JobRecord.error).where(JobRecord.id.in_(ids))
    return {row.id: row.error or {} for row in session.execute(query)} if ids else {}


def _reason(model_id: str, graph: GraphRecord | None, error: dict[str, Any]) -> dict[str, Any]:
    """Why a candidate has no place; ``error`` is what its measurement failed with."""
    told = {"model_id": model_id}
    if graph is not None and graph.status == GraphStatus.OK:
        return {**told, "code": "too_few_common_probes", "detail": _TOO_FEW}
    if graph is not None:
        return {**told, "code": graph.status, "detail": graph.detail or "see the measurement"}
    return {
        **told,
        "code": error.get("code", "not_measured"),
        "detail": error.get("detail", "the model could not be measured"),
    }


def get(session: Session, *, project: str, ranking_id: str) -> RankingRecord:
    """The ranking.

    Raises:
        NotFoundError: ``ranking_not_found``.
    """
    record = session.get(RankingRecord, ranking_id)
    if record is None or record.project != project:
        raise NotFoundError(f"there is no ranking {ranking_id}", code="ranking_not_found")
    return record


def cache_key(record: RankingRecord) -> str:
    """Digest of what decides the numbers: measurement, target, candidates and metric."""
    return fingerprint(
        {
            "comparable_key": record.comparable_key,
            "version": ranking.CARD.version,
            "metric": record.metric,
            "target": record.target_model_id,
            "candidates": sorted(one["model_id"] for one in record.candidates),
        }
    )


def progress(session: Session, *, ranking: RankingRecord) -> dict[str, Any] | None:
    """How far a pending ranking is: jobs it waits for that have ended, of all and its own."""
    if ranking.state != RankingState.PENDING or ranking.job_id is None:
        return None
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


def weight_of(record: RankingRecord, asked: float | None) -> float:
    """The λ to order by: the one that is asked for, or else the ranking's own.

    Raises:
        InvalidRequestError: ``edge_weight_not_possible``: attribution has no edges.
    """
    if asked and record.metric == Metric.ATTRIBUTION:
        raise InvalidRequestError(
            "the metric attribution has no edges",
            code="edge_weight_not_possible",
            remedy="ask for a ranking with the metric depara; its measurements are shared",
            errors=[FieldProblem("/edge_weight", "must be 0 for the metric attribution")],
        )
    return record.edge_weight if asked is None else asked
