"""Scores of estimators on labeled datasets: their keys, stored ones, new ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from service.core.catalog import transferability_estimators
from service.core.catalog.transferability_estimators import TransferabilityEstimatorsParams
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.manifest import TaskKind
from service.core.tables import DatasetRecord, EstimateRecord, ModelRecord

_SPEC = transferability_estimators.SPEC
DEFAULT_PARAMS = TransferabilityEstimatorsParams()


def comparable_key(
    dataset: DatasetRecord, params: TransferabilityEstimatorsParams = DEFAULT_PARAMS
) -> str:
    """Hash of method, version, settings and labeled images."""
    return fingerprint(
        {
            "method": _SPEC.name,
            "version": _SPEC.version,
            "params": params.model_dump(mode="json"),
            "dataset": dataset.manifest_sha256,
        }
    )


def cache_key(comparable: str, model: ModelRecord) -> str:
    """Hash of a comparable key and a network: equal keys promise the same scores.

    A network's task can change later, and decides whether its output counts as logits of classes.
    """
    return fingerprint(
        {
            "comparable_key": comparable,
            "model_id": model.id,
            "model": model.fingerprint,
            "classifier": is_classifier(model),
        }
    )


def is_classifier(model: ModelRecord) -> bool:
    """Whether the network has one output for each of its classes."""
    has_classes = (
        model.task_kind == TaskKind.CLASSIFICATION or model.manifest.get("classes") is not None
    )
    return has_classes and model.output_kind == "vector"


def stored(
    session: Session, *, project: str, comparable: str, model_ids: Sequence[str] | None = None
) -> dict[str, EstimateRecord]:
    """The stored estimate of each model as it is now, by model; of these models or of all."""
    query = (
        select(EstimateRecord, ModelRecord)
        .join(ModelRecord, ModelRecord.id == EstimateRecord.model_id)
        .where(EstimateRecord.project == project, EstimateRecord.comparable_key == comparable)
    )
    if model_ids is not None:
        query = query.where(EstimateRecord.model_id.in_(model_ids))
    return {
        model.id: estimate
        for estimate, model in session.execute(query)
        if estimate.cache_key == cache_key(comparable, model)
    }


def keep(
    session: Session,
    *,
    model: ModelRecord,
    dataset: DatasetRecord,
    params: TransferabilityEstimatorsParams,
    output: Mapping[str, Any],
    job_id: str,
) -> EstimateRecord:
    """The stored estimate; one per cache key, and the first one stays.

    Args:
        output: ``scores``, ``reasons`` and ``images``, as the method returns them.
    """
    comparable = comparable_key(dataset, params)
    key = cache_key(comparable, model)
    statement = insert(EstimateRecord).values(
        id=new_id(IdKind.ESTIMATE),
        project=dataset.project,
        model_id=model.id,
        dataset_id=dataset.id,
        cache_key=key,
        comparable_key=comparable,
        version=_SPEC.version,
        settings=params.model_dump(mode="json"),
        job_id=job_id,
        **{name: output[name] for name in ("scores", "reasons", "images")},
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=["project", "cache_key"]))
    query = select(EstimateRecord).where(
        EstimateRecord.project == dataset.project, EstimateRecord.cache_key == key
    )
    return session.scalars(query).one()
