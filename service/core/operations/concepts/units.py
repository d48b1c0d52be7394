"""Output units of the zoo: by the names of their classes, and by how they respond to probes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Text, case, cast, column, func, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from service.core.catalog import unit_responses
from service.core.errors import ConflictError, NotFoundError
from service.core.operations import lists, names, owned_rows
from service.core.operations.concepts import responses
from service.core.operations.concepts.answers import class_name
from service.core.operations.concepts.likeness import ResponseComparer
from service.core.operations.remedies import post
from service.core.operations.trainings import teachers
from service.core.paging import Page
from service.core.tables import DatasetRecord, ModelRecord, ModelState, UnitResponsesRecord

MOST_SIMILAR = 200
MOST_BYTES = 256 * 1024**2
_BYTES = 4


@dataclass(frozen=True)
class NamedUnit:
    """An output unit whose class has a name."""

    model_id: str
    name: str
    unit: int
    class_name: str


@dataclass(frozen=True)
class SimilarUnit:
    """An output unit, with the correlation of its responses to those of another one."""

    model_id: str
    name: str
    unit: int
    class_name: str | None
    correlation: float


def page(
    session: Session, *, project: str, words: str, after: str | None, limit: int
) -> Page[NamedUnit]:
    """Units of ready models whose class name contains all words, by model and unit."""
    named = ModelRecord.manifest["classes"]
    # A network without names of classes has none, or null.
    names = case((func.jsonb_typeof(named) == "array", named), else_=cast([], JSONB))
    table = func.jsonb_array_elements_text(names)
    classes = table.table_valued(
        column("class_name", Text), with_ordinality="position", name="classes"
    ).render_derived()
    position = classes.c.position.cast(BigInteger)
    query = (
        select(ModelRecord.id, ModelRecord.name, position, classes.c.class_name)
        .join(classes, ModelRecord.project == project)
        .where(
            ModelRecord.project == project,
            ModelRecord.state == ModelState.READY,
            ModelRecord.output_kind == "vector",
            func.jsonb_typeof(ModelRecord.manifest["classes"]) == "array",
            *lists.has_words(classes.c.class_name, words),
        )
    )
    if after is not None:
        model_id, number = json.loads(after)
        query = query.where(tuple_(ModelRecord.id, position) > tuple_(model_id, number))
    rows = session.execute(query.order_by(ModelRecord.id, position).limit(limit + 1)).all()
    shown = [NamedUnit(row[0], row[1], row[2] - 1, row[3]) for row in rows[:limit]]
    cursors = [json.dumps([row[0], row[2]]) for row in rows[:limit]]
    return Page(shown, cursors, len(rows) > limit)


@dataclass(frozen=True)
class UnitShortlist:
    """The stored responses to compare with those of one unit; ``left_out`` are too many to read."""

    target: UnitResponsesRecord
    unit: int
    models: dict[str, ModelRecord]
    others: list[UnitResponsesRecord]
    left_out: int


def shortlist(
    session: Session, *, project: str, model_id: str, unit: int, dataset_id: str
) -> UnitShortlist:
    """The stored responses of all networks to a probe set.

    Raises:
        InvalidRequestError: ``model_reads_clips``.
        NotFoundError: The model or dataset does not exist; ``not_measured``: the model has no stored
            responses on this probe set; ``unit_not_found``.
        ConflictError: The dataset is not ready; ``no_output_units``: the network's outputs are not
            scores of classes.
    """
    model = owned_rows.get_network(session, project=project, id=model_id)
    dataset_id = names.id_of(session, DatasetRecord, project=project, reference=dataset_id)
    probes = owned_rows.get_ready(session, DatasetRecord, project=project, id=dataset_id)
    obstacle = teachers.why_no_units(model)
    if obstacle is not None:
        raise ConflictError(obstacle.detail, code=obstacle.code, remedy=obstacle.remedy)
    measured = responses.of_all_models(session, dataset=probes)
    stored = {record.model_id: record for record, _ in measured}
    models = {model.id: model for _, model in measured}
    target = stored.get(model_id)
    if target is None:
        inputs = {"model_id": model_id, "dataset_id": dataset_id}
        raise NotFoundError(
            f"{model_id} has no stored responses to {dataset_id}",
            code="not_measured",
            remedy=post("/v1/jobs", {"method": unit_responses.SPEC.name, "inputs": inputs}),
        )
    if not 0 <= unit < target.units:
        raise NotFoundError(
            f"{model_id} has units 0 to {target.units - 1}",
            code="unit_not_found",
            remedy="use one of them; GET /v1/units finds units by the names of their classes",
        )
    others = _that_fit(target, list(stored.values()))
    return UnitShortlist(target, unit, models, others, len(stored) - len(others))


def _that_fit(
    target: UnitResponsesRecord, stored: Sequence[UnitResponsesRecord]
) -> list[UnitResponsesRecord]:
    """As many responses as a request may read, the smallest first; the target's are always read."""
    budget, fitting = MOST_BYTES, list[UnitResponsesRecord]()
    for record in sorted(stored, key=lambda r: (r.id != target.id, r.units, r.model_id)):
        budget -= _BYTES * record.units * record.images
        if budget < 0 and fitting:
            break
        fitting.append(record)
    return fitting


def similar(
    shortlist: UnitShortlist, comparer: ResponseComparer, *, count: int
) -> list[SimilarUnit]:
    """The units whose responses correlate most with those of one unit, best first, without itself."""
    digests = [record.sha256 for record in shortlist.others]
    correlations = comparer.correlations(shortlist.target.sha256, shortlist.unit, digests)
    units = [
        SimilarUnit(
            record.model_id,
            shortlist.models[record.model_id].name,
            unit,
            class_name(shortlist.models[record.model_id], unit),
            correlation,
        )
        for record in shortlist.others
        for unit, correlation in enumerate(correlations.get(record.sha256, ()))
        if (record.model_id, unit) != (shortlist.target.model_id, shortlist.unit)
    ]
    units.sort(key=lambda u: (-u.correlation, u.model_id, u.unit))
    return units[:count]
