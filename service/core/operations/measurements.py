"""Asking for the graphs that are not there yet: one job per network, shared by all who wait."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from service.core.catalogue import depara
from service.core.catalogue.depara import DeparaParams
from service.core.operations import graphs, jobs
from service.core.records import DatasetRecord, GraphRecord, ModelRecord, ModelState
from service.core.tracing import current_trace_id


def known_graphs(
    session: Session, *, project: str, comparable: str, model_ids: Sequence[str]
) -> dict[str, GraphRecord]:
    """The newest graph of each model that has one, by model; without the heavy sketches."""
    query = (
        select(GraphRecord)
        .where(
            GraphRecord.project == project,
            GraphRecord.comparable_key == comparable,
            GraphRecord.model_id.in_(model_ids),
        )
        .order_by(GraphRecord.id)
        .options(defer(GraphRecord.node_sketch), defer(GraphRecord.edge_sketch))
    )
    return {graph.model_id: graph for graph in session.scalars(query)}


def measure(
    session: Session, *, model: ModelRecord, probes: DatasetRecord, settings: DeparaParams
) -> str:
    """The id of the job that will measure ``model``; an equal one under way is shared."""
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", settings)
    awaited = model.state == ModelState.AWAITED and model.job_id is not None
    job = jobs.submit(
        session,
        project=model.project,
        method=depara.CARD.name,
        inputs={"model_id": model.id, "dataset_id": probes.id},
        params=settings.model_dump(mode="json"),
        cache_key=graphs.cache_key(
            comparable, model_id=model.id, fingerprint_of_model=model.fingerprint or ""
        ),
        depends_on=[str(model.job_id)] if awaited else [],
        trace_id=current_trace_id(),
    )
    return job.id
