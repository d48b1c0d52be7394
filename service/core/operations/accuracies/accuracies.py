"""Measured accuracies: added in batches, listed, deleted.

Posting a measurement again with the same value changes nothing; with another value it is an error.
To correct a value, delete the old one first.
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

from service.core.errors import ConflictError, FieldProblem, InvalidRequestError
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.manifest import Name, Strict
from service.core.operations import owned_rows
from service.core.paging import Page, page_of
from service.core.tables import AccuracyRecord, DatasetRecord, ModelRecord, Protocol

MOST_AT_ONCE = 10_000
_PERCENT = 100.0
_THINGS: Mapping[str, tuple[Any, re.Pattern[str]]] = {
    "model": (ModelRecord, re.compile(r"mdl_[0-9A-Za-z_]{1,60}")),
    "dataset": (DatasetRecord, re.compile(r"dst_[0-9A-Za-z_]{1,60}")),
}
_OF_IDENTITY = ("model", "dataset", "metric", "protocol", "seed", "source")


class Unit(StrEnum):
    """The unit of a value: a share from 0 to 1, or percent from 0 to 100."""

    SHARE = "share"
    PERCENT = "percent"


class NewAccuracy(Strict):
    """One measured accuracy.

    ``model`` and ``dataset`` are ids of the zoo, or names of a network or dataset outside it.
    ``source`` is the origin of the value; ``seed`` distinguishes several runs.
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
            raise ValueError('value is above 1; for values from 0 to 100 set "unit": "percent"')
        return self

    @property
    def share(self) -> float:
        """The value as a share from 0 to 1."""
        return self.value / _PERCENT if self.unit is Unit.PERCENT else self.value

    @cached_property
    def identity(self) -> str:
        """Digest of everything except the value."""
        return fingerprint({name: getattr(self, name) for name in _OF_IDENTITY})


class NewAccuracies(Strict):
    """Measured accuracies to store, all or none."""

    accuracies: Annotated[tuple[NewAccuracy, ...], Field(fail_fast=True)] = Field(
        min_length=1, max_length=MOST_AT_ONCE
    )


@dataclass(frozen=True)
class Added:
    """The accuracies in the order of the request, and how many of them are new."""

    accuracies: list[AccuracyRecord]
    new: int


@dataclass(frozen=True)
class AccuracyFilter:
    """A filter for accuracies; None does not restrict."""

    model: str | None = None
    dataset: str | None = None


def add(
    session: Session,
    *,
    project: str,
    measurements: Sequence[NewAccuracy],
    job_id: str | None = None,
) -> Added:
    """Store measured accuracies; existing ones do not change.

    Args:
        measurements: The measured accuracies.
        job_id: The job of the zoo that measured them, if any.

    Raises:
        InvalidRequestError: ``accuracy_invalid``: an id does not exist, or one measurement has two
            values.
        ConflictError: ``accuracy_exists``: a measurement exists with another value.
    """
    _require_known_ids(session, project, measurements)
    _require_one_value(measurements)
    new = _inserted(session, project, measurements, job_id)
    stored = _with_identities(session, project, [row.identity for row in measurements])
    _require_same_values(measurements, stored)
    return Added([stored[row.identity] for row in measurements], new)


def _require_known_ids(
    session: Session, project: str, measurements: Sequence[NewAccuracy]
) -> None:
    """Accept only ids that exist in the project; any other text is a name."""
    unknown = {
        field: _unknown(session, project, field, {getattr(row, field) for row in measurements})
        for field in _THINGS
    }
    problems = [
        FieldProblem(f"/accuracies/{index}/{field}", f"there is no {field} {getattr(row, field)}")
        for index, row in enumerate(measurements)
        for field, missing in unknown.items()
        if getattr(row, field) in missing
    ]
    _refuse(problems)


def _unknown(session: Session, project: str, field: str, names: set[str]) -> set[str]:
    """The names that have the form of an id and do not exist."""
    kind, pattern = _THINGS[field]
    ids = {name for name in names if pattern.fullmatch(name)}
    return owned_rows.missing(session, kind, project=project, ids=ids)


def _require_one_value(measurements: Sequence[NewAccuracy]) -> None:
    first: dict[str, int] = {}
    problems = []
    for index, row in enumerate(measurements):
        before = first.setdefault(row.identity, index)
        if not _same(measurements[before].share, row.share):
            reason = f"row {before} has another value for the same measurement"
            problems.append(FieldProblem(f"/accuracies/{index}/value", reason))
    _refuse(problems)


def _same(value: float, other: float) -> bool:
    """Whether two shares are equal, up to the rounding of percent."""
    return math.isclose(value, other, rel_tol=1e-12, abs_tol=1e-15)


def _refuse(problems: list[FieldProblem]) -> None:
    if problems:
        raise InvalidRequestError(
            f"{len(problems)} of the values are invalid; the first is {problems[0].pointer}:"
            f" {problems[0].reason}",
            code="accuracy_invalid",
            remedy="correct these rows and send all rows again; none was stored",
            errors=problems,
        )


def _inserted(
    session: Session, project: str, measurements: Sequence[NewAccuracy], job_id: str | None
) -> int:
    """How many rows are new."""
    # Sorted by identity, so that two requests cannot deadlock.
    distinct = dict(sorted({row.identity: row for row in measurements}.items()))
    rows = [
        {
            "id": new_id(IdKind.ACCURACY),
            "project": project,
            "value": row.share,
            "identity": identity,
            "job_id": job_id,
            **{name: getattr(row, name) for name in _OF_IDENTITY},
        }
        for identity, row in distinct.items()
    ]
    new = insert(AccuracyRecord).on_conflict_do_nothing(index_elements=["project", "identity"])
    return len(session.scalars(new.returning(AccuracyRecord.id), rows).all())


def _with_identities(
    session: Session, project: str, identities: Sequence[str]
) -> dict[str, AccuracyRecord]:
    query = select(AccuracyRecord).where(
        AccuracyRecord.project == project,
        AccuracyRecord.identity == any_(cast(list(identities), ARRAY(Text))),
    )
    return {record.identity: record for record in session.scalars(query)}


def _require_same_values(
    measurements: Sequence[NewAccuracy], stored: dict[str, AccuracyRecord]
) -> None:
    problems = [
        FieldProblem(f"/accuracies/{index}/value", f"{record.id} has the value {record.value:g}")
        for index, row in enumerate(measurements)
        if not _same((record := stored[row.identity]).value, row.share)
    ]
    if problems:
        raise ConflictError(
            f"{len(problems)} of the measurements exist with another value; the first is"
            f" {problems[0].pointer}: {problems[0].reason}",
            code="accuracy_exists",
            remedy="delete the old accuracy, or distinguish the runs by seed or source",
            errors=problems,
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
    rows = session.scalars(query.order_by(AccuracyRecord.id.desc()).limit(limit + 1)).all()
    return page_of(list(rows), limit=limit)


def delete(session: Session, *, project: str, accuracy_id: str) -> None:
    """Delete an accuracy; rankings that used it do not change.

    Raises:
        NotFoundError: ``accuracy_not_found``.
    """
    session.delete(owned_rows.get(session, AccuracyRecord, project=project, id=accuracy_id))
    session.flush()
