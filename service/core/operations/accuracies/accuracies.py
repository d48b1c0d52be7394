"""Measured accuracies: taken in many at a time, listed, removed.

A measurement is told once: posted again with the same value it changes nothing, with another
value it is refused. Who corrects a value removes the old accuracy first.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import ARRAY, Text, any_, cast, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from service.core.errors import ConflictError, FieldProblem, InvalidRequestError, NotFoundError
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.manifest import Name, Strict
from service.core.paging import Page, page_of
from service.core.tables import AccuracyRecord, DatasetRecord, ModelRecord, Protocol

MOST_AT_ONCE = 10_000
_MOST_PROBLEMS = 100
_PERCENT = 100.0
_THINGS: Mapping[str, tuple[Any, re.Pattern[str]]] = {
    "model": (ModelRecord, re.compile(r"mdl_[0-9A-Za-z_]{1,60}")),
    "dataset": (DatasetRecord, re.compile(r"dst_[0-9A-Za-z_]{1,60}")),
}
_OF_IDENTITY = ("model", "dataset", "metric", "protocol", "seed", "source")


class Unit(StrEnum):
    """What a value counts in: shares from 0 to 1, or percent from 0 to 100."""

    SHARE = "share"
    PERCENT = "percent"


class NewAccuracy(Strict):
    """One measured accuracy.

    ``model`` and ``dataset`` are ids of the zoo, or names of a network or dataset that is not in
    it. ``source`` says where the figure comes from, ``seed`` which of several runs it is.
    """

    model: Name
    dataset: Name
    value: Annotated[float, Field(ge=0, le=_PERCENT, allow_inf_nan=False)]
    unit: Unit = Unit.SHARE
    metric: Literal["accuracy"] = "accuracy"
    protocol: Protocol = Protocol.OTHER
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None
    source: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""

    @model_validator(mode="after")
    def _value_fits_unit(self) -> Self:
        if self.unit is Unit.SHARE and self.value > 1:
            raise ValueError('value is above 1; for values from 0 to 100 say "unit": "percent"')
        return self

    @property
    def share(self) -> float:
        """The value as a share from 0 to 1."""
        return self.value / _PERCENT if self.unit is Unit.PERCENT else self.value

    @cached_property
    def identity(self) -> str:
        """Digest of everything but the value."""
        return fingerprint({name: getattr(self, name) for name in _OF_IDENTITY})


class NewAccuracies(Strict):
    """Measured accuracies to keep, all or none."""

    accuracies: tuple[NewAccuracy, ...] = Field(min_length=1, max_length=MOST_AT_ONCE)


@dataclass(frozen=True)
class Added:
    """The accuracies of a request in its order, and how many of them are new."""

    accuracies: list[AccuracyRecord]
    new: int


@dataclass(frozen=True)
class AccuracyFilter:
    """Which accuracies are meant; None asks for no restriction."""

    model: str | None = None
    dataset: str | None = None


def add(
    session: Session, *, project: str, given: Sequence[NewAccuracy], job_id: str | None = None
) -> Added:
    """Keep measured accuracies; those that are known already stay as they are.

    Args:
        given: What was measured.
        job_id: The job that measured it, if one of the zoo did.

    Raises:
        InvalidRequestError: ``accuracy_invalid``: an id names nothing here, or one measurement comes
            with two values.
        ConflictError: ``accuracy_exists``: a measurement is known with another value.
    """
    _require_known_ids(session, project, given)
    _require_one_value(given)
    new = _inserted(session, project, given, job_id)
    kept = _with_identities(session, project, [one.identity for one in given])
    _require_same_values(given, kept)
    return Added([kept[one.identity] for one in given], new)


def _require_known_ids(session: Session, project: str, given: Sequence[NewAccuracy]) -> None:
    """What looks like an id must be one of the project's."""
    unknown = {
        field: _unknown(session, project, field, {getattr(one, field) for one in given})
        for field in _THINGS
    }
    problems = [
        FieldProblem(f"/accuracies/{place}/{field}", f"there is no {field} {getattr(one, field)}")
        for place, one in enumerate(given)
        for field, missing in unknown.items()
        if getattr(one, field) in missing
    ]
    _refuse(problems)


def _unknown(session: Session, project: str, field: str, named: set[str]) -> set[str]:
    """Those of the names that look like ids and are not."""
    kind, pattern = _THINGS[field]
    ids = {name for name in named if pattern.fullmatch(name)}
    if not ids:
        return ids
    known = select(kind.id).where(
        kind.project == project, kind.id == any_(cast(list(ids), ARRAY(Text)))
    )
    return ids - set(session.scalars(known))


def _require_one_value(given: Sequence[NewAccuracy]) -> None:
    first: dict[str, int] = {}
    problems = []
    for place, one in enumerate(given):
        before = first.setdefault(one.identity, place)
        if not _same(given[before].share, one.share):
            reason = f"row {before} is the same measurement with another value"
            problems.append(FieldProblem(f"/accuracies/{place}/value", reason))
    _refuse(problems)


def _same(one: float, other: float) -> bool:
    """Equal but for the rounding of percent to shares."""
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-15)


def _refuse(problems: list[FieldProblem]) -> None:
    if problems:
        raise InvalidRequestError(
            f"{len(problems)} of the values do not fit; first, {problems[0].pointer}:"
            f" {problems[0].reason}",
            code="accuracy_invalid",
            remedy="correct these rows and send all again; nothing was kept",
            errors=problems[:_MOST_PROBLEMS],
        )


def _inserted(
    session: Session, project: str, given: Sequence[NewAccuracy], job_id: str | None
) -> int:
    """How many rows were not known before."""
    # In the order of their identities, so that two requests never wait for each other in a circle.
    distinct = dict(sorted({one.identity: one for one in given}.items()))
    rows = [
        {
            "id": new_id(IdKind.ACCURACY),
            "project": project,
            "value": one.share,
            "identity": identity,
            "job_id": job_id,
            **{name: getattr(one, name) for name in _OF_IDENTITY},
        }
        for identity, one in distinct.items()
    ]
    kept = insert(AccuracyRecord).on_conflict_do_nothing(index_elements=["project", "identity"])
    return len(session.scalars(kept.returning(AccuracyRecord.id), rows).all())


def _with_identities(
    session: Session, project: str, identities: Sequence[str]
) -> dict[str, AccuracyRecord]:
    query = select(AccuracyRecord).where(
        AccuracyRecord.project == project,
        AccuracyRecord.identity == any_(cast(list(identities), ARRAY(Text))),
    )
    return {one.identity: one for one in session.scalars(query)}


def _require_same_values(given: Sequence[NewAccuracy], kept: dict[str, AccuracyRecord]) -> None:
    problems = [
        FieldProblem(f"/accuracies/{place}/value", f"{row.id} says {row.value:g}")
        for place, one in enumerate(given)
        if not _same((row := kept[one.identity]).value, one.share)
    ]
    if problems:
        raise ConflictError(
            f"{len(problems)} of the measurements are known with another value; first,"
            f" {problems[0].pointer}: {problems[0].reason}",
            code="accuracy_exists",
            remedy="delete the old accuracy, or tell the runs apart by seed or source",
            errors=problems[:_MOST_PROBLEMS],
        )


def page(
    session: Session, *, project: str, where: AccuracyFilter, after: str | None, limit: int
) -> Page[AccuracyRecord]:
    """Accuracies of the project, newest first."""
    query = select(AccuracyRecord).where(AccuracyRecord.project == project)
    if where.model is not None:
        query = query.where(AccuracyRecord.model == where.model)
    if where.dataset is not None:
        query = query.where(AccuracyRecord.dataset == where.dataset)
    if after is not None:
        query = query.where(AccuracyRecord.id < after)
    found = session.scalars(query.order_by(AccuracyRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(found), limit=limit)


def delete(session: Session, *, project: str, accuracy_id: str) -> None:
    """Delete an accuracy; rankings that were made with it stay as they are.

    Raises:
        NotFoundError: ``accuracy_not_found``.
    """
    row = session.get(AccuracyRecord, accuracy_id)
    if row is None or row.project != project:
        raise NotFoundError(f"there is no accuracy {accuracy_id}", code="accuracy_not_found")
    session.delete(row)
    session.flush()
