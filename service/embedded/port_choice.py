"""Which ports ``zooscope up`` takes: those that were chosen, or the next free ones by default."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from service.embedded.components import Ports
from service.embedded.ports import (
    GRPC_OPTION,
    REST_OPTION,
    TakenPort,
    listening,
    next_free,
    reserved,
)
from service.settings import Settings


def take_ports(settings: Settings, *, say: Callable[[str], None]) -> Ports:
    """Both ports, taken. A chosen port must be free; instead of a default one the next free serves.

    Raises:
        UnavailableError: ``port_in_use``, or ``cannot_listen``.
    """
    with ExitStack() as stack:
        rest = _taken("port", partial(listening, settings.host), settings)
        stack.callback(rest.close)
        grpc = _taken("grpc_port", partial(reserved, settings.host), settings)
        stack.pop_all()
    _report_other_port(rest, settings.port, f"REST; choose with {REST_OPTION}", say)
    _report_other_port(grpc, settings.grpc_port, f"gRPC; choose with {GRPC_OPTION}", say)
    return Ports(rest, grpc)


def _taken(name: str, take: Callable[[int], TakenPort], settings: Settings) -> TakenPort:
    """The port that the setting of this name asks for."""
    wanted = int(getattr(settings, name))
    chosen = name in settings.model_fields_set
    return take(wanted) if chosen else next_free(take, wanted)


def _report_other_port(
    taken: TakenPort, wanted: int, purpose: str, say: Callable[[str], None]
) -> None:
    """Say when the port is another one than usual; 0 asks for any."""
    if wanted not in {0, taken.number}:
        say(f"port {wanted} is in use; took {taken.number} for {purpose}")
