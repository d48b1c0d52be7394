"""The relatives of a network, and the confirmation of a suggested descent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, any_, cast, func, or_, select
from sqlalchemy.orm import Session

from service.core.errors import ConflictError, FieldProblem, InvalidRequestError, NotFoundError
from service.core.families.relation import Relation
from service.core.ids import ModelId
from service.core.manifest import Strict
from service.core.operations import names, owned_rows
from service.core.operations.id_references import id_references
from service.core.tables import ModelRecord, RelativeRecord, WeightSketchRecord


class Descent(StrEnum):
    """What a relative is to the network."""

    ANCESTOR = "ancestor"
    DESCENDANT = "descendant"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ModelRelative:
    """A related network.

    ``descent`` is what the weights show, and ``reason`` says why; ``confirmed`` is what a person
    confirmed. ``near``: both compute the same up to rounding. Pairs in ``evidence`` begin with the network.
    """

    model_id: str
    name: str
    relation: Relation
    descent: Descent
    reason: str
    near: bool
    evidence: Mapping[str, Any]
    confirmed: Descent | None
    confirmed_at: datetime | None


class FamilyConfirmation(Strict):
    """The relative of a network, and what it is to it: as suggested unless stated."""

    relative_id: ModelId
    descent: Descent | None = None


def family(session: Session, *, project: str, model_id: str) -> list[ModelRelative]:
    """The relatives of a network, nearest first.

    Raises:
        NotFoundError: ``model_not_found``; ``not_measured``: its weights have no sketch.
        InvalidRequestError: ``model_reads_clips``.
    """
    model = owned_rows.get_network(session, project=project, id=model_id)
    _require_sketch(session, model)
    query = (
        select(RelativeRecord, ModelRecord.id, ModelRecord.name)
        .join(
            ModelRecord,
            or_(
                ModelRecord.id == RelativeRecord.first_id,
                ModelRecord.id == RelativeRecord.second_id,
            ),
        )
        .where(
            RelativeRecord.project == project,
            ModelRecord.project == project,
            _is_of(model_id),
            ModelRecord.id != model_id,
        )
    )
    relatives = [_relative(*row, model_id) for row in session.execute(query)]
    return sorted(
        relatives, key=lambda relative: (-relative.evidence["cosine"], relative.model_id)
    )


def confirm(
    session: Session, *, project: str, model_id: str, confirmation: FamilyConfirmation
) -> ModelRelative:
    """The relative, whose descent is now part of the lineage of both.

    Raises:
        NotFoundError: ``model_not_found``; ``not_measured``.
        InvalidRequestError: ``model_reads_clips``; ``unknown_model``; ``not_related``;
            ``descent_unknown``.
        ConflictError: ``circular_lineage``.
    """
    request = names.with_ids(session, confirmation, project=project)
    model = owned_rows.get_network(session, project=project, id=model_id)
    _require_sketch(session, model)
    owned_rows.require_references(session, project=project, references=id_references(request))
    ends = sorted((model_id, request.relative_id))
    row = session.scalars(
        select(RelativeRecord)
        .where(RelativeRecord.project == project, _is_of(ends[0]), _is_of(ends[1]))
        .with_for_update()
    ).one_or_none()
    if row is None or ends[0] == ends[1]:
        raise InvalidRequestError(
            f"{request.relative_id} is not a relative of {model_id}",
            code="not_related",
            remedy=f"choose one of GET /v1/models/{model_id}/family",
            errors=[FieldProblem("/relative_id", "must be a relative of the model")],
        )
    row.confirmed_ancestor_id = _ancestor(row, model_id, request)
    row.confirmed_at = func.clock_timestamp()
    session.flush()
    _require_no_circle(session, row)
    other = owned_rows.get(session, ModelRecord, project=project, id=request.relative_id)
    session.refresh(row)
    return _relative(row, other.id, other.name, model_id)


def _ancestor(row: RelativeRecord, model_id: str, request: FamilyConfirmation) -> str:
    """The network that the other was made from, as confirmed."""
    descent = request.descent or _descent(row.ancestor_id, model_id)
    if descent is Descent.UNKNOWN:
        raise InvalidRequestError(
            "the weights do not show which of both was made from the other",
            code="descent_unknown",
            remedy="set descent to ancestor or descendant: what the relative is to the model",
            errors=[FieldProblem("/descent", "must be ancestor or descendant")],
        )
    return request.relative_id if descent is Descent.ANCESTOR else model_id


def _require_no_circle(session: Session, row: RelativeRecord) -> None:
    """Require that no network descends from itself by what people confirmed."""
    reached, frontier = set[str](), {str(row.confirmed_ancestor_id)}
    while frontier:
        reached |= frontier
        links = confirmed_links(session, project=row.project, ids=frontier)
        parents = {ancestor for ancestor, descendant in links if descendant in frontier}
        frontier = parents - reached
    child = row.second_id if row.confirmed_ancestor_id == row.first_id else row.first_id
    if child in reached:
        raise ConflictError(
            f"{row.confirmed_ancestor_id} already descends from {child}",
            code="circular_lineage",
            remedy=f"confirm the opposite descent of one of them; see GET /v1/models/{child}/lineage",
        )


def confirmed_links(
    session: Session, *, project: str, ids: Sequence[str] | set[str]
) -> list[tuple[str, str]]:
    """Pairs of ancestor and descendant that people confirmed and that these networks are part of."""
    return [
        (ancestor, second if ancestor == first else first)
        for first, second, ancestor in session.execute(
            select(
                RelativeRecord.first_id,
                RelativeRecord.second_id,
                RelativeRecord.confirmed_ancestor_id,
            ).where(
                RelativeRecord.project == project,
                or_(RelativeRecord.first_id.in_(ids), RelativeRecord.second_id.in_(ids)),
                RelativeRecord.confirmed_ancestor_id.is_not(None),
            )
        )
        if ancestor is not None
    ]


def families_among(session: Session, *, project: str, ids: Sequence[str]) -> list[int | None]:
    """The number of each network's family, from 0 in this order; None without a relative here."""
    wanted = any_(cast(list(ids), ARRAY(Text)))
    query = select(RelativeRecord.first_id, RelativeRecord.second_id).where(
        RelativeRecord.project == project,
        RelativeRecord.relation != Relation.UNKNOWN,
        RelativeRecord.first_id == wanted,
        RelativeRecord.second_id == wanted,
    )
    members = {id_: {id_} for id_ in ids}
    for first, second in session.execute(query):
        if members[first] is not members[second]:
            members[first] |= members[second]
            members.update(dict.fromkeys(members[second], members[first]))
    families = [members[id_] for id_ in ids if len(members[id_]) > 1]
    numbers = {id(family): number for number, family in enumerate({id(f): f for f in families}.values())}  # fmt: skip
    return [numbers.get(id(members[id_])) for id_ in ids]


def _require_sketch(session: Session, model: ModelRecord) -> None:
    owned = WeightSketchRecord.project == model.project, WeightSketchRecord.model_id == model.id
    if session.scalar(select(WeightSketchRecord.model_id).where(*owned)) is None:
        raise NotFoundError(
            f"the weights of {model.id} are not sketched",
            code="not_measured",
            remedy="wait until the model is ready; upload one again that an earlier release checked",
        )


def _is_of(model_id: str) -> ColumnElement[bool]:
    return or_(RelativeRecord.first_id == model_id, RelativeRecord.second_id == model_id)


def _descent(ancestor_id: str | None, model_id: str) -> Descent:
    """What a relative is to the network, if this is the ancestor of both."""
    if ancestor_id is None:
        return Descent.UNKNOWN
    return Descent.DESCENDANT if ancestor_id == model_id else Descent.ANCESTOR


def _relative(row: RelativeRecord, id_: str, name: str, model_id: str) -> ModelRelative:
    turned = row.second_id == model_id
    evidence = {k: v[::-1] if turned and k in _PAIRED else v for k, v in row.evidence.items()}
    evidence["levels"], evidence["relative_levels"] = evidence["levels"]
    confirmed = row.confirmed_ancestor_id
    return ModelRelative(
        model_id=id_,
        name=name,
        relation=Relation(row.relation),
        descent=_descent(row.ancestor_id, model_id),
        reason=row.reason,
        near=row.near,
        evidence=evidence,
        confirmed=None if confirmed is None else _descent(confirmed, model_id),
        confirmed_at=row.confirmed_at,
    )


_PAIRED = frozenset({"tensors", "zeros", "levels"})
