"""Measurements of missing graphs: one job per network, shared by all who wait for it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from service.core.catalog import Audience, depara
from service.core.catalog.depara import DeparaParams
from service.core.operations.jobs import jobs
from service.core.operations.measurements import graphs, lasting_failures
from service.core.operations.zoo.models import jobs_making
from service.core.tables import DatasetRecord, GraphRecord, ModelRecord
from service.core.tracing import current_trace_id


def known_graphs(
    session: Session, *, project: str, comparable: str, model_ids: Sequence[str]
) -> dict[str, GraphRecord]:
    """The newest graph of each measured model, by model; without the large sketch."""
    query = (
        select(GraphRecord)
        .where(
            GraphRecord.project == project,
            GraphRecord.comparable_key == comparable,
            GraphRecord.model_id.in_(model_ids),
        )
        .order_by(GraphRecord.id)
        .options(defer(GraphRecord.sketch))
    )
    return {graph.model_id: graph for graph in session.scalars(query)}


def failed_for_good(
    session: Session,
    *,
    models: Sequence[ModelRecord],
    probes: DatasetRecord,
    settings: DeparaParams,
) -> dict[str, str]:
    """Ids of the jobs that measured these models in vain, and would again, by model."""
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", settings)
    keys = {model.id: _key(model, comparable) for model in models}
    failed = lasting_failures.remembered(session, project=probes.project, keys=list(keys.values()))
    return {model_id: failed[key] for model_id, key in keys.items() if key in failed}


def measure(
    session: Session,
    *,
    models: Sequence[ModelRecord],
    probes: DatasetRecord,
    settings: DeparaParams,
) -> dict[str, str]:
    """Ids of the jobs that will measure the models, by model; equal active jobs are shared."""
    if not models:
        return {}
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", settings)
    params = settings.model_dump(mode="json")
    ids = jobs.submit_many(
        session,
        project=probes.project,
        method=depara.SPEC.name,
        orders=[_order(model, probes, params, comparable) for model in models],
        audience=Audience.INTERNAL,
        trace_id=current_trace_id(),
    )
    return {model.id: job_id for model, job_id in zip(models, ids, strict=True)}


def _order(
    model: ModelRecord, probes: DatasetRecord, params: dict[str, Any], comparable: str
) -> jobs.JobOrder:
    """The measurement of one model, after the job that makes a pending model."""
    return jobs.JobOrder(
        inputs={"model_id": model.id, "dataset_id": probes.id},
        params=params,
        cache_key=_key(model, comparable),
        depends_on=jobs_making(model),
    )


def _key(model: ModelRecord, comparable: str) -> str:
    return graphs.cache_key(
        comparable, model_id=model.id, fingerprint_of_model=model.fingerprint or ""
    )
