"""Uploads of one or several network files with their manifests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Annotated, Any

import typer

from zooscope import ZooClientError
from zooscope.cli.context import CliContext
from zooscope.cli.json_values import json_object
from zooscope.cli.output import bytes_bar

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH…",
        help="`.pt2`, `.safetensors` or `.onnx` files, or patterns such as `nets/*.pt2`.",
    ),
]


@dataclass(frozen=True)
class Description:
    """What the command line says about the networks beside their manifests."""

    manifest: Path | None = None
    name: str | None = None
    tags: Sequence[str] = field(default_factory=list)
    until_checked: bool = True


def files_at(paths: Sequence[str]) -> list[Path]:
    """The files that the paths and patterns name, each once, in their order.

    Raises:
        typer.BadParameter: A path or a pattern names no file.
    """
    files: dict[Path, None] = {}
    for text in paths:
        matches = [text] if Path(text).exists() else sorted(glob(text, recursive=True))  # noqa: PTH207 - takes absolute patterns
        named = [Path(match) for match in matches if Path(match).is_file()]
        if not named:
            raise typer.BadParameter(f"no file is at {text}")
        files |= dict.fromkeys(named)
    return list(files)


def push_files(context: CliContext, files: Sequence[Path], about: Description) -> None:
    """Upload files and print each network; a refused file does not stop the others.

    Raises:
        ZooClientError: The only file is refused.
        typer.Exit: With status 1 if one of several is.
        typer.BadParameter: A manifest or a name for several files.
    """
    if len(files) == 1:
        _push(context, files[0], about, context.out.done)
        return
    if about.manifest is not None or about.name is not None:
        raise typer.BadParameter("--manifest and --name are for a single file")
    refused = 0
    for path in files:
        try:
            _push(context, path, about, context.out.event)
        except ZooClientError as error:
            error.detail = f"{path}: {error.detail}"
            context.out.error(error)
            refused += 1
    if refused:
        raise typer.Exit(1)


def _push(
    context: CliContext, path: Path, about: Description, show: Callable[[Any, str], None]
) -> None:
    """Upload one file. Raises ZooClientError if the zoo refuses or rejects it."""
    source = about.manifest or _manifest_beside(path)
    content = _manifest(source, about)
    with bytes_bar(path.name) as on_progress:
        model = context.zoo.models.push(path, content, on_progress=on_progress)
    if about.until_checked:
        model = context.zoo.models.wait(model["id"])
    show(model, _pushed(model))
    if model["state"] == "rejected":
        raise rejected(model)
    if about.manifest is None:
        context.out.note(f"note: read {source}")


def _pushed(model: Any) -> str:
    """The new network in one line, and the networks that have the same weights."""
    line = f"{model['id']}  {model['name']}:{model['version']}  {model['state']}"
    same = model.get("same_weights_as")
    return f"{line}\nit has the same weights as {', '.join(same)}" if same else line


def _manifest_beside(path: Path) -> Path:
    """The manifest that belongs to a file if none is named."""
    packed = path.with_suffix(".manifest.json")
    return packed if packed.exists() else path.with_suffix(".json")


def _manifest(source: Path, about: Description) -> dict[str, Any]:
    """The manifest in a file, with the changes from the command line."""
    manifest = json_object(
        source,
        code="manifest_unreadable",
        remedy="write one with `zooscope pack`, or pass one with --manifest",
    )
    if about.name is not None:
        manifest["name"] = about.name
    if about.tags:
        manifest["tags"] = [*manifest.get("tags", []), *about.tags]
    return manifest


def rejected(resource: Any) -> ZooClientError:
    """The error for a rejected network or dataset: its first problem."""
    first = next(iter(resource.get("problems") or []), None)
    return ZooClientError.of(first, code="rejected", detail="the zoo rejected it")
