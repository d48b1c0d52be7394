"""Names instead of ids: the one rule by which a request may name a model or a dataset.

A text that has the form of an id is an id. Anything else is a name. That of a model stands for its
newest version that is ready; ``name:version`` and ``name@alias`` stand for others. That of a dataset
must fit exactly one of the project, and rejected ones count only when no other has the name. A list
names each thing once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.errors import (
    Candidate,
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from service.core.ids import IdKind
from service.core.model_references import is_id
from service.core.operations import model_names, owned_rows
from service.core.operations.error_pointers import error_pointer
from service.core.operations.id_references import (
    IdReference,
    id_references,
    with_replaced_ids,
)
from service.core.spelling import close_names
from service.core.tables import DatasetRecord, ModelRecord, ModelState

Named = type[ModelRecord] | type[DatasetRecord]
M = TypeVar("M", bound=BaseModel)

NAMED: Mapping[IdKind, Named] = {IdKind.MODEL: ModelRecord, IdKind.DATASET: DatasetRecord}
_MOST_CANDIDATES = 20
_MOST_NAMES = 10_000
_MOST_PROBLEMS = 100


def id_of(session: Session, kind: Named, *, project: str, reference: str) -> str:
    """The id that an id or a name stands for; that of an id need not exist.

    Raises:
        NotFoundError: ``<kind>_not_found``: nothing has this name; the remedy suggests near names.
        ConflictError: ``ambiguous_name``, with the candidates.
    """
    if is_id(reference):
        return reference
    return id_with_name(session, kind, project=project, name=reference)


def id_with_name(session: Session, kind: Named, *, project: str, name: str) -> str:
    """The id of the row with exactly this name. Errors are those of ``id_of``."""
    if kind is ModelRecord:
        model = model_names.find(session, project=project, reference=name)
        if model is None:
            raise _unknown_name(session, kind, project, name)
        return model.id
    query = (
        select(kind.id, kind.name, kind.state, kind.created_at)
        .where(kind.project == project, kind.name == name)
        .order_by(kind.id.desc())
        .limit(_MOST_CANDIDATES)
    )
    candidates = [Candidate(*row) for row in session.execute(query)]
    usable = [row for row in candidates if row.state != ModelState.REJECTED] or candidates
    if not usable:
        raise _unknown_name(session, kind, project, name)
    if len(usable) > 1:
        raise _ambiguous(kind, name, usable)
    return usable[0].id


def with_ids(session: Session, request: M, *, project: str, pointer: str = "") -> M:
    """The request with an id in place of each name of a model or a dataset.

    Args:
        session: The transaction.
        request: A validated model, whose fields are marked with ``IdOf``.
        project: The caller's project.
        pointer: Where the model is in the request.

    Raises:
        InvalidRequestError: ``unknown_<kind>``, with a pointer to the field; ``repeated_reference``
            if a list names the same thing twice, by id or by name.
        ConflictError: ``ambiguous_name``, with a pointer to the field and the candidates.
    """

    def replaced(reference: IdReference) -> str:
        kind = NAMED.get(reference.kind)
        if kind is None or is_id(reference.id):
            return reference.id
        with error_pointer(reference.pointer):
            return id_with_name(session, kind, project=project, name=reference.id)

    named = with_replaced_ids(request, replaced, pointer)
    _require_distinct(id_references(named, pointer))
    return named


def _require_distinct(references: Iterable[IdReference]) -> None:
    """Accept lists that name each thing once. Raises InvalidRequestError: ``repeated_reference``."""
    first: dict[tuple[str, str], str] = {}
    problems = []
    for reference in references:
        parent, _, index = reference.pointer.rpartition("/")
        earlier = first.setdefault((parent, reference.id), reference.pointer)
        if index.isdecimal() and earlier != reference.pointer:
            detail = f"{reference.id} is also at {earlier}"
            problems.append(FieldProblem(reference.pointer, detail))
    if problems:
        raise InvalidRequestError(
            f"a list names the same thing twice: {problems[0].reason}",
            code="repeated_reference",
            remedy="list each model or dataset once; a name and an id may stand for the same",
            errors=problems[:_MOST_PROBLEMS],
        )


def _unknown_name(session: Session, kind: Named, project: str, name: str) -> NotFoundError:
    about = owned_rows.KINDS[kind]
    query = select(func.distinct(kind.name)).where(kind.project == project).limit(_MOST_NAMES)
    matches: list[str] = []
    if kind is ModelRecord:
        matches = model_names.alternatives(session, project=project, reference=name)
    matches = matches or close_names(name, session.scalars(query).all())
    remedy = f"did you mean {' or '.join(matches)}? {about.remedy}" if matches else about.remedy
    return NotFoundError(
        f"no {about.noun} has the name {name!r}",
        code=f"{about.code}_not_found",
        remedy=remedy,
    )


def _ambiguous(kind: Named, name: str, candidates: Sequence[Candidate]) -> ConflictError:
    noun = owned_rows.KINDS[kind].noun
    ids = ", ".join(candidate.id for candidate in candidates)
    return ConflictError(
        f"{len(candidates)} {noun}s have the name {name!r}",
        code="ambiguous_name",
        remedy=f"use an id: {ids}",
        candidates=candidates,
    )
