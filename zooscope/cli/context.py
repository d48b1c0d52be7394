"""Commands that use a zoo: each accepts --url, --key, --home and --json."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from zooscope import ZooClient, ZooClientError
from zooscope.cli.address import Address, address_of
from zooscope.cli.option_names import OptionsByField, in_options, options_by_field
from zooscope.cli.output import JsonOutput, Output, TextOutput
from zooscope.cli.remedies import in_commands

Url = Annotated[
    str | None,
    typer.Option(envvar="ZOO_URL", help="Address of the zoo; default: the zoo on this machine."),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="ZOO_KEY", help="API key; default on the zoo's own machine: the admin key."
    ),
]
HomeFolder = Annotated[
    Path | None,
    typer.Option("--home", help="Home folder of the zoo on this machine; default: ZOO_HOME."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class CliContext:
    """The zoo client and the output of one command."""

    zoo: ZooClient
    out: Output


def _connection(
    url: Url = None, key: Key = None, home: HomeFolder = None, as_json: AsJson = False
) -> None:
    """Declare the options that every command shares."""


_SHARED = tuple(
    parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    for parameter in inspect.signature(_connection).parameters.values()
)


def command(
    app: typer.Typer, name: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function ``(context, *, …)`` as a command of ``app`` with the shared options."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        def run(**arguments: Any) -> None:
            shared = {option.name: arguments.pop(option.name) for option in _SHARED}
            with open_context(**shared, options=options) as context:
                function(context, **arguments)

        options = options_by_field(function)
        own = list(inspect.signature(function).parameters.values())[1:]
        run.__signature__ = inspect.Signature([*own, *_SHARED])  # type: ignore[attr-defined]
        run.__annotations__ = {}
        run.__doc__ = function.__doc__
        app.command(name or function.__name__)(run)
        return function

    return register


@contextmanager
def open_context(
    url: str | None,
    key: str | None,
    home: Path | None,
    as_json: bool,
    *,
    options: OptionsByField,
) -> Iterator[CliContext]:
    """The context of one command; an error is printed in its ``options`` and exits with status 1."""
    out = JsonOutput() if as_json else TextOutput()
    address = address_of(url=url, key=key, home=home)
    try:
        with address.client(on_retry=out.waiting) as zoo:
            yield CliContext(zoo, out)
    except ZooClientError as error:
        in_options(error, options)
        out.error(_with_hint(error, address))
        raise typer.Exit(1) from error


def _with_hint(error: ZooClientError, address: Address) -> ZooClientError:
    """The error with its remedy in the words of the command line."""
    error.remedy = in_commands(error.remedy) if error.remedy else error.remedy
    if error.code == "unauthenticated" and address.key is None:
        error.remedy = (
            "pass --key or set ZOO_KEY; on the zoo's own machine, pass --home or set ZOO_HOME"
        )
        if address.home is not None:
            error.remedy += f" (there is no key of a zoo in {address.home})"
    return error
