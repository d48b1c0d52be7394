"""Which keys a caller may create, list and revoke.

An administrator manages the keys of its own project and passes on only scopes that its key has. An
operator manages the keys of every project; the first key of a project creates the project.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.errors import FieldProblem, ForbiddenError
from service.core.operations.access import keys
from service.core.operations.access.keys import Caller, NewKey, Scope
from service.core.operations.error_pointers import invalid_value
from service.core.tables import KeyRecord


@dataclass(frozen=True)
class KeyRequest:
    """A key to create; without ``project`` it is for the caller's own."""

    name: str
    scopes: Collection[str]
    project: str | None
    expires_at: datetime | None


def create(session: Session, caller: Caller, request: KeyRequest) -> NewKey:
    """The new key.

    Raises:
        ForbiddenError: ``other_project`` or ``scope_not_held``.
        InvalidRequestError: ``expires_in_the_past``.
    """
    project = project_of(caller, request.project)
    if Scope.OPERATOR not in caller.scopes:
        _require_held(caller, request.scopes)
    _require_future(session, request.expires_at)
    return keys.issue(
        session,
        project=project,
        name=request.name,
        scopes=request.scopes,
        expires_at=request.expires_at,
    )


def project_of(caller: Caller, requested: str | None) -> str:
    """The project whose keys the caller manages: the requested one, or its own.

    Raises:
        ForbiddenError: ``other_project``: only an operator manages the keys of another project.
    """
    project = caller.project if requested is None else requested
    if project != caller.project and Scope.OPERATOR not in caller.scopes:
        raise ForbiddenError(
            f"this key manages the keys of the project {caller.project!r} only",
            code="other_project",
            remedy="leave out `project`, or use a key with the scope operator",
        )
    return project


def revoke(session: Session, caller: Caller, *, key_id: str) -> None:
    """Revoke a key that the caller manages; doing it again changes nothing.

    Raises:
        NotFoundError: ``key_not_found``: the caller manages no such key.
    """
    project = None
    if Scope.OPERATOR in caller.scopes:
        project = session.scalar(select(KeyRecord.project).where(KeyRecord.id == key_id))
    keys.revoke(session, project=project or caller.project, key_id=key_id)


def _require_held(caller: Caller, scopes: Collection[str]) -> None:
    missing = sorted(set(scopes) - caller.held_scopes)
    if missing:
        reason = f"this key cannot pass on {', '.join(missing)}"
        raise ForbiddenError(
            reason,
            code="scope_not_held",
            remedy=f"choose among {', '.join(sorted(caller.held_scopes))},"
            " or use a key with the scope operator",
            errors=[FieldProblem("/scopes", reason)],
        )


def _require_future(session: Session, expires_at: datetime | None) -> None:
    """Require that the database's clock has not reached ``expires_at``."""
    if expires_at is None:
        return
    if expires_at <= session.scalars(select(func.clock_timestamp())).one():
        raise invalid_value(
            "/expires_at",
            "a key must expire in the future",
            code="expires_in_the_past",
            remedy="choose a later `expires_at`, or leave it out",
        )
