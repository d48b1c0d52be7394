"""Reserves the ports of ``zooscope up``: the chosen ones, or the next free ones by default."""

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


def take_ports(settings: Settings, *, print_line: Callable[[str], None]) -> Ports:
    """Both ports, reserved. A chosen port must be free; a busy default is replaced by the next free.

    Raises:
        UnavailableError: ``port_in_use``, or ``cannot_listen``.
    """
    with ExitStack() as stack:
        rest = _taken("port", partial(listening, settings.host), settings)
        stack.callback(rest.close)
        grpc = _taken("grpc_port", partial(reserved, settings.host), settings)
        stack.pop_all()
    _report_other_port(rest, settings.port, f"REST; choose with {REST_OPTION}", print_line)
    _report_other_port(grpc, settings.grpc_port, f"gRPC; choose with {GRPC_OPTION}", print_line)
    return Ports(rest, grpc)


def _taken(name: str, take: Callable[[int], TakenPort], settings: Settings) -> TakenPort:
    """The port of this setting, reserved."""
    wanted = int(getattr(settings, name))
    chosen = name in settings.model_fields_set
    return take(wanted) if chosen else next_free(take, wanted)


def _report_other_port(
    taken: TakenPort, wanted: int, purpose: str, print_line: Callable[[str], None]
) -> None:
    """Report a port that differs from the wanted one; 0 accepts any."""
    if wanted not in {0, taken.number}:
        print_line(f"port {wanted} is in use; using {taken.number} for {purpose}")
