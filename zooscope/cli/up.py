"""``zooscope up``: the whole zoo on this machine, or one component of it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated, Any, NoReturn

import typer
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from service.container import require_telemetry
from service.core.errors import InvalidRequestError, UnavailableError, ZooError
from service.core.private_files import create_private_files
from service.core.validation_reasons import reason_of
from service.embedded.bootstrap import prepare
from service.embedded.components import ComponentName, command_of
from service.embedded.home import Home
from service.embedded.process_supervisor import ProcessSupervisor
from service.settings import Settings, environment
from service.stop_signals import call_on_signals

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of all state; default: ZOO_HOME.")
]
PortOption = Annotated[
    int | None, typer.Option("--port", help="REST port; 0 picks a free one.", min=0, max=65535)
]
GrpcPortOption = Annotated[
    int | None,
    typer.Option("--grpc-port", help="gRPC port; 0 picks a free one.", min=0, max=65535),
]
OnlyOption = Annotated[
    ComponentName | None,
    typer.Option("--only", help="Run only this component, for a distributed deployment."),
]


def up(
    home: HomeOption = None,
    port: PortOption = None,
    grpc_port: GrpcPortOption = None,
    only: OnlyOption = None,
) -> None:
    """Start the zoo: database, broker, worker, scheduler, REST and gRPC. Ctrl-C stops it."""
    create_private_files()
    try:
        settings = settings_with(home=home, port=port, grpc_port=grpc_port)
        require_telemetry(settings)
        if only is not None:
            run_alone(only, settings)
        run_all(settings)
    except ZooError as error:
        fail(error)


def settings_with(*, home: Path | None, port: int | None, grpc_port: int | None) -> Settings:
    """The environment's settings, overridden by the command line.

    Invalid settings end the command with an explanation.
    """
    options: dict[str, Any] = {"home": home, "port": port, "grpc_port": grpc_port}
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        reasons = "; ".join(_explained(problem) for problem in error.errors())
        fail(InvalidRequestError(f"invalid settings: {reasons}", code="invalid_settings"))


def _explained(problem: ErrorDetails) -> str:
    """The reason why a setting is invalid, after its variable."""
    name = "".join(f"ZOO_{str(part).upper()}: " for part in problem["loc"][:1])
    return name + reason_of(problem)


def run_all(settings: Settings) -> None:
    """Run the whole zoo until a signal stops it."""
    home = Home(settings.folder)
    with home.claimed() as lock, _signals() as stopping:
        ProcessSupervisor(settings, home, print_line=_print_line, stopping=stopping).run(lock=lock)


def run_alone(part: ComponentName, settings: Settings) -> NoReturn:
    """Replace this process with one component. Each component first upgrades the tables in turn."""
    _require(settings.database_url, "ZOO_DATABASE_URL")
    _require(settings.redis_url, "ZOO_REDIS_URL")
    home = Home(settings.folder)
    key = prepare(settings, home).new_key
    if key is not None:
        _print_line(f"admin key  {key}   (shown once; also in {home.admin_key})")
    sys.stdout.flush()
    command = command_of(part)
    os.execve(command[0], command, environment(settings))


def fail(error: ZooError) -> NoReturn:
    """Print the error and its remedy, and exit with status 1."""
    typer.echo(f"zooscope: {error.detail}", err=True)
    if error.remedy is not None:
        typer.echo(f"          {error.remedy}", err=True)
    raise typer.Exit(1)


def _require(address: SecretStr | None, variable: str) -> None:
    """Raise UnavailableError without an address; a single component starts no private server."""
    if address is None:
        raise UnavailableError(
            f"a single component needs {variable}",
            code="address_not_set",
            remedy="set it, or start everything with `zooscope up`",
        )


@contextmanager
def _signals() -> Iterator[Event]:
    """An event that SIGINT, SIGTERM and SIGHUP set."""
    stopping = Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    call_on_signals(stopping.set, *numbers)
    try:
        yield stopping
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _print_line(line: str) -> None:
    """Print a line and flush, also into a pipe."""
    typer.echo(line)
    sys.stdout.flush()
