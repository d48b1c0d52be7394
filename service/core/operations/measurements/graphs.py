"""Graphs of networks: the keys that make two comparable or equal, and stored ones."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import LargeBinary, func, select
from sqlalchemy.orm import Session

from service.core.catalog import depara
from service.core.catalog.depara import DeparaParams
from service.core.fingerprints import fingerprint
from service.core.tables import GraphRecord, JobDependencyRecord, JobRecord, JobState


def comparable_key(manifest_sha256: str, params: DeparaParams) -> str:
    """Hash of method, version, settings and probe set: graphs with equal keys are comparable."""
    return fingerprint(
        {
            "method": depara.SPEC.name,
            "version": depara.SPEC.version,
            "params": params.model_dump(mode="json"),
            "dataset": manifest_sha256,
        }
    )


def cache_key(comparable: str, *, model_id: str, fingerprint_of_model: str) -> str:
    """Hash of a comparable key and a network: equal keys promise the same graph.

    A network that was uploaded twice is two models with a graph each, so deleting one does not affect
    the other.
    """
    return fingerprint(
        {"comparable_key": comparable, "model_id": model_id, "model": fingerprint_of_model}
    )


def measured(
    session: Session, *, project: str, comparable: str, model_ids: Sequence[str] | None = None
) -> Sequence[GraphRecord]:
    """The graphs with this comparable key, of these models or of all, oldest first."""
    query = select(GraphRecord).where(
        GraphRecord.project == project, GraphRecord.comparable_key == comparable
    )
    if model_ids is not None:
        query = query.where(GraphRecord.model_id.in_(model_ids))
    return session.scalars(query.order_by(GraphRecord.id)).all()


def raw_sketches(session: Session, *, project: str, comparable: str) -> dict[str, bytes]:
    """The sketches with this comparable key by graph, as Postgres sends their numbers."""
    query = select(GraphRecord.id, func.halfvec_send(GraphRecord.sketch, type_=LargeBinary)).where(
        GraphRecord.project == project,
        GraphRecord.comparable_key == comparable,
        GraphRecord.sketch.is_not(None),
    )
    # The number of dimensions and a reserved word, two bytes each, come first.
    return {graph_id: bytes(sent[4:]) for graph_id, sent in session.execute(query)}


def with_key(session: Session, *, project: str, cache_key: str) -> GraphRecord:
    """The graph with this cache key, which must exist."""
    query = select(GraphRecord).where(
        GraphRecord.project == project, GraphRecord.cache_key == cache_key
    )
    return session.scalars(query).one()


def measuring_errors(session: Session, *, job_id: str) -> dict[str, dict[str, Any]]:
    """Errors of failed measurements that a job depends on, by model."""
    query = (
        select(JobRecord)
        .join(JobDependencyRecord, JobDependencyRecord.depends_on == JobRecord.id)
        .where(
            JobDependencyRecord.job_id == job_id,
            JobRecord.state.in_([JobState.FAILED, JobState.CANCELLED]),
        )
    )
    cancelled = {"code": "cancelled", "detail": "its measurement was cancelled"}
    return {
        job.inputs["model_id"]: job.error or cancelled
        for job in session.scalars(query)
        if "model_id" in job.inputs
    }
