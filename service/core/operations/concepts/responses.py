"""Stored responses of output units: their keys, which networks can have them, their measurement."""

from collections.abc import Collection, Sequence

from sqlalchemy import ARRAY, Text, any_, cast, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from service.core.catalog import Audience, unit_responses
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.operations.jobs import jobs
from service.core.results.concepts import MeasuredResponses
from service.core.tables import DatasetRecord, ModelRecord, ModelState, UnitResponsesRecord
from service.core.tracing import current_trace_id

_SPEC = unit_responses.SPEC


def comparable_key(dataset: DatasetRecord) -> str:
    """Hash of method, version and images: responses with equal keys are comparable."""
    return fingerprint(
        {"method": _SPEC.name, "version": _SPEC.version, "dataset": dataset.manifest_sha256}
    )


def cache_key(comparable: str, model: ModelRecord) -> str:
    """Hash of a comparable key and a network: equal keys promise the same responses."""
    return fingerprint(
        {
            "comparable_key": comparable,
            "model_id": model.id,
            "model": model.fingerprint,
            "task": model.task_kind,
        }
    )


def stored(
    session: Session, *, dataset: DatasetRecord, models: Collection[ModelRecord]
) -> dict[str, UnitResponsesRecord]:
    """The stored responses of the models as they are now, by model."""
    comparable = comparable_key(dataset)
    keys = {cache_key(comparable, model): model.id for model in models}
    if not keys:
        return {}
    query = select(UnitResponsesRecord).where(
        UnitResponsesRecord.project == dataset.project,
        UnitResponsesRecord.comparable_key == comparable,
        UnitResponsesRecord.cache_key == any_(cast(list(keys), ARRAY(Text))),
    )
    return {record.model_id: record for record in session.scalars(query)}


def of_all_models(
    session: Session, *, dataset: DatasetRecord
) -> list[tuple[UnitResponsesRecord, ModelRecord]]:
    """The stored responses to a dataset of every ready model as it is now, with the model."""
    comparable = comparable_key(dataset)
    query = (
        select(UnitResponsesRecord, ModelRecord)
        .join(ModelRecord, ModelRecord.id == UnitResponsesRecord.model_id)
        .where(
            UnitResponsesRecord.project == dataset.project,
            UnitResponsesRecord.comparable_key == comparable,
            ModelRecord.state == ModelState.READY,
        )
        .options(defer(ModelRecord.layers))
    )
    return [
        (record, model)
        for record, model in session.execute(query)
        if record.cache_key == cache_key(comparable, model)
    ]


def measure(
    session: Session, *, models: Sequence[ModelRecord], dataset: DatasetRecord
) -> dict[str, str]:
    """Ids of the jobs that show the images to the models, by model; equal active jobs are shared."""
    if not models:
        return {}
    comparable = comparable_key(dataset)
    orders = [
        jobs.JobOrder(
            inputs={"model_id": model.id, "dataset_id": dataset.id},
            cache_key=cache_key(comparable, model),
        )
        for model in models
    ]
    ids = jobs.submit_many(
        session,
        project=dataset.project,
        method=_SPEC.name,
        orders=orders,
        audience=Audience.INTERNAL,
        trace_id=current_trace_id(),
    )
    return {model.id: job_id for model, job_id in zip(models, ids, strict=True)}


def keep(
    session: Session,
    *,
    model: ModelRecord,
    dataset: DatasetRecord,
    result: MeasuredResponses,
    sha256: str,
    job_id: str,
) -> UnitResponsesRecord:
    """The stored responses; one row per cache key, and the first one stays."""
    comparable = comparable_key(dataset)
    key = cache_key(comparable, model)
    statement = insert(UnitResponsesRecord).values(
        id=new_id(IdKind.UNIT_RESPONSES),
        project=dataset.project,
        model_id=model.id,
        dataset_id=dataset.id,
        cache_key=key,
        comparable_key=comparable,
        sha256=sha256,
        job_id=job_id,
        **result.model_dump(include={"units", "images", "breadth"}),
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=["project", "cache_key"]))
    query = select(UnitResponsesRecord).where(
        UnitResponsesRecord.project == dataset.project, UnitResponsesRecord.cache_key == key
    )
    return session.scalars(query).one()
