"""The call that this thread or task serves, as the audit log will describe it.

The APIs begin a call, name its caller and end it; a transaction of the zoo that changes something
adds the call's row, so that a change and its row are stored together or not at all.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from service.core.errors import (
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
    ZooError,
)
from service.core.operations.access import audit
from service.core.operations.access.audit import AuditEvent
from service.core.operations.access.keys import Caller
from service.core.tables import AuditApi
from service.core.tracing import current_trace_id

_MOST_IDS = 50
_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")
_NOT_FOUND = "_not_found"
# A part of an upload is stored by several transactions; its row comes after the last one.
_IN_PARTS = frozenset({"uploads.update"})
# Nothing is stored, and nothing stored leaves the zoo.
_CHANGES_NOTHING = frozenset({"models.predict", "rankings.estimate"})


@dataclass(frozen=True)
class CallDescription:
    """What a call does: ``models.create``, whether it may change anything, and the ids it names."""

    action: str
    writes: bool
    ids: tuple[str, ...]

    @classmethod
    def of(cls, noun: str, verb: str, ids: Iterable[object]) -> "CallDescription":
        """The description of ``verb`` on ``noun``; values that are no ids are left out."""
        action = f"{noun}.{verb}"
        named = [str(value) for value in ids if _ID.fullmatch(str(value))]
        writes = verb != "read" and action not in _CHANGES_NOTHING
        return cls(action, writes, tuple(named))


@dataclass
class AuditedCall:
    """A call that is being served.

    Attributes:
        describe: The description, as far as the API knows it by now.
        code: The code of the error that ended the call.
        refused: Whether this error concerns the caller's rights, so that reading calls are recorded.
        delivered: Whether stored bytes were sent.
        recorded: Whether the log has the call.
    """

    api: AuditApi
    address: str | None
    describe: Callable[[], CallDescription]
    caller: Caller | None = None
    created: list[str] = field(default_factory=list)
    code: str | None = None
    refused: bool = False
    delivered: bool = False
    recorded: bool = False
    trace_id: str | None = field(default_factory=current_trace_id)

    @property
    def noteworthy(self) -> bool:
        """Whether the log needs a row that it does not have yet."""
        if self.recorded:
            return False
        if self.describe().writes:
            return True
        return self.refused if self.code is not None else self.delivered

    def event(self) -> AuditEvent:
        """The row of the call."""
        about = self.describe()
        action = f"{about.action.rpartition('.')[0]}.download" if self.delivered else about.action
        return AuditEvent(
            api=self.api,
            action=action if about.action.endswith(".read") else about.action,
            project=None if self.caller is None else self.caller.project,
            key_id=None if self.caller is None else self.caller.key_id,
            address=self.address,
            ids=tuple(dict.fromkeys([*about.ids, *self.created]))[:_MOST_IDS],
            code=self.code,
            trace_id=self.trace_id,
        )


_current: ContextVar[AuditedCall | None] = ContextVar("audited_call", default=None)


def begin(call: AuditedCall | None) -> None:
    """Make this the call that the thread or task serves; None ends the previous one."""
    _current.set(call)


def identified(caller: Caller) -> Caller:
    """The caller, which the log names for this call from now on."""
    call = _current.get()
    if call is not None:
        call.caller = caller
    return caller


def note_created(values: Mapping[str, Any]) -> None:
    """Name what the call has created: the ids in its answer, at the top or one level below."""
    call = _current.get()
    if call is None:
        return
    nested = [part for value in values.values() for part in _mappings(value)]
    call.created += [str(part["id"]) for part in (values, *nested) if part.get("id")]


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items[:_MOST_IDS] if isinstance(item, Mapping)]


def note_ids(ids: Iterable[str]) -> None:
    """Name the ids of the request, once it has been read."""
    call = _current.get()
    if call is not None:
        about = call.describe()
        named = CallDescription(
            about.action, about.writes, tuple(i for i in ids if _ID.fullmatch(i))
        )
        call.describe = lambda: named


def note_delivered() -> None:
    """Record that the call has sent stored bytes."""
    call = _current.get()
    if call is not None:
        call.delivered = True


def note_error(error: ZooError | None) -> None:
    """Record why the call failed; None is an unexpected error."""
    call = _current.get()
    if call is not None:
        call.code = "internal_error" if error is None else error.code
        call.refused = error is not None and _concerns_rights(error)


def note_code(code: str) -> None:
    """Record the code of an error that the framework raised."""
    call = _current.get()
    if call is not None and call.code is None:
        call.code = code


def _concerns_rights(error: ZooError) -> bool:
    """Whether a reading call that fails so is recorded: no key, no right, too many, or no such id.

    Whether an id is another project's or nobody's is not looked up, so that both look alike.
    """
    if isinstance(error, NotFoundError):
        return error.code.endswith(_NOT_FOUND)
    return isinstance(error, UnauthenticatedError | ForbiddenError | RateLimitedError)


def record_change(session: Session) -> AuditedCall | None:
    """Add the row of the current call if this transaction changed something and the log lacks it.

    Returns:
        The call that is recorded once the transaction commits; None if there is none.
    """
    call = _current.get()
    if call is None or call.recorded or call.caller is None or call.code is not None:
        return None
    about = call.describe()
    if not about.writes or about.action in _IN_PARTS:
        return None
    return call if audit.write_if_changed(session, call.event()) else None
