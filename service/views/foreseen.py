"""Which errors of a request are deliberate, alike in both APIs."""

from psycopg.errors import DiskFull
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.core.errors import InvalidRequestError, UnavailableError, ZooError
from service.core.machine_faults import machine_fault_in, storage_full

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError)
MACHINE = (OSError, MemoryError)
UNSTORABLE = (DataError, UnicodeEncodeError, RecursionError)


def foreseen(error: BaseException) -> ZooError | None:
    """The deliberate error that an exception stands for; None if it is unexpected."""
    if isinstance(error, ZooError):
        return error
    if isinstance(error, OperationalError) and isinstance(error.orig, DiskFull):
        return storage_full("the database's disk has no room")
    if isinstance(error, DATABASE_AWAY):
        return UnavailableError("the database does not answer", code="database_unavailable")
    if isinstance(error, UNSTORABLE):
        return InvalidRequestError(
            "a text or number in the request cannot be stored",
            code="unstorable_value",
            remedy="send text without NUL and lone surrogates, and numbers of up to 64 bits",
        )
    return machine_fault_in(error) if isinstance(error, MACHINE) else None
