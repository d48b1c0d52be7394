"""Options that all ``zooscope import`` commands share, and how they are read."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.core.manifest import TaskKind
from zooscope import ZooClientError
from zooscope.cli.context import CliContext, command
from zooscope.cli.json_values import json_or_text

if TYPE_CHECKING:
    from zooscope.packing.sources import Details


def _size(text: str) -> tuple[int, int]:
    """Height and width: ``224`` or ``224x320``."""
    match = re.fullmatch(r"(\d{1,4})(?:x(\d{1,4}))?", text)
    if match is None:
        raise typer.BadParameter(
            "write one side, such as 224, or height and width, such as 224x320"
        )
    return int(match[1]), int(match[2] or match[1])


def _numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError as error:
        raise typer.BadParameter("write one number, or one for each channel: 0.485,0.456,0.406") from error  # fmt: skip


def _options(
    *,
    license_: Annotated[
        str | None, typer.Option("--license", help="License of the weights.")
    ] = None,
    trained_on: Annotated[
        str | None, typer.Option(help="Dataset that the weights were trained on.")
    ] = None,
    task: Annotated[TaskKind | None, typer.Option(help="Kind of task.")] = None,
    size: Annotated[
        Any,
        typer.Option(
            parser=_size,
            metavar="SIDE|HEIGHTxWIDTH",
            help="Size of the network's input in pixels.",
        ),
    ] = None,
    mean: Annotated[
        Any, typer.Option(parser=_numbers, metavar="NUMBERS", help="Mean of the channels.")
    ] = None,
    std: Annotated[
        Any,
        typer.Option(
            parser=_numbers, metavar="NUMBERS", help="Standard deviation of the channels."
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Text file with a class name per line."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(help="Name of the output that counts, of a network that returns several."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag; repeatable.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the zoo has checked the network.")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be imported; upload nothing.")
    ] = False,
) -> None:
    """Declare the options that all imports share."""


def _module_options(
    *,
    module: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:CALLABLE",
            help="Callable that builds the network: package.module:callable or file.py:callable.",
        ),
    ] = None,
    arguments: Annotated[
        str, typer.Option(help="JSON object of arguments for the callable.")
    ] = "{}",
    weights_key: Annotated[
        str | None,
        typer.Option(help="Key or prefix of the weights to take, such as state_dict_ema."),
    ] = None,
) -> None:
    """Declare the options of imports that read checkpoints."""


SHARED = tuple(inspect.signature(_options).parameters.values())
FOR_CHECKPOINTS = (*inspect.signature(_module_options).parameters.values(), *SHARED)


class ImportEnd(Enum):
    """How far an import goes."""

    PLAN = "says what it would do"
    UPLOAD = "uploads"
    CHECK = "waits until the zoo has checked the network"


@dataclass(frozen=True)
class ImportOptions:
    """The values of the shared options, by parameter name."""

    values: dict[str, Any]

    @property
    def ending(self) -> ImportEnd:
        """How far an import goes."""
        if self.values["dry_run"]:
            return ImportEnd.PLAN
        return ImportEnd.CHECK if self.values["wait"] else ImportEnd.UPLOAD

    def details(self, *, name: str | None = None, manifest: Path | None = None) -> "Details":
        """The options as the readers of networks take them."""
        from zooscope.packing.sources import Details

        values = self.values
        fields = {
            "name": name,
            "license": values["license_"],
            "trained_on": values["trained_on"],
            "task": values["task"],
            "output": values["output"],
            "classes": _lines(values["classes"]),
        }
        return Details(
            fields={field: value for field, value in fields.items() if value is not None},
            size=values["size"],
            mean=values["mean"],
            std=values["std"],
            tags=tuple(values["tag"] or ()),
            module=values.get("module"),
            arguments=_object(values.get("arguments", "{}")),
            weights_key=values.get("weights_key"),
            manifest=manifest,
        )


def import_command(
    app: typer.Typer, name: str, options: tuple[inspect.Parameter, ...] = SHARED
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register ``(context, options, *, …)`` as a command of ``app`` with the shared options."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        def run(context: CliContext, **arguments: Any) -> None:
            values = {option.name: arguments.pop(option.name) for option in options}
            function(context, ImportOptions(values), **arguments)

        own = list(inspect.signature(function).parameters.values())
        run.__signature__ = inspect.Signature([own[0], *own[2:], *options])  # type: ignore[attr-defined]
        run.__doc__ = function.__doc__
        command(app, name)(run)
        return function

    return register


def _lines(path: Path | None) -> tuple[str, ...] | None:
    """The class names in a text file, one per line."""
    if path is None:
        return None
    try:
        return tuple(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, ValueError) as error:
        raise ZooClientError(f"cannot read {path}: {error}", code="classes_unreadable", remedy="write one class name per line, in UTF-8") from error  # fmt: skip


def _object(text: str) -> dict[str, Any]:
    value = json_or_text(text)
    if not isinstance(value, dict):
        raise ZooClientError("--arguments is no JSON object", code="invalid_arguments", remedy="write {…}")  # fmt: skip
    return value
