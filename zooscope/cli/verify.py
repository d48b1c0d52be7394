"""``zooscope verify``: verifies every stored file of a zoo against its digest."""

import json
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.core.counts import counted
from service.core.errors import ZooError
from service.embedded.opened import opened
from service.logs import start_logging
from service.verification import FileStatus, VerifiedFile, verify_files
from zooscope.cli.up import HomeOption, fail, settings_with

_WIDTH = 200
_REMEDY = "upload the same files again; models and datasets then return to their former state"


def verify(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify every stored file, in a folder or object storage; exit 1 if one is damaged or missing.

    Damaged files are set aside, and the models and datasets that need them become `damaged`. The
    zoo may run meanwhile.
    """
    files = size = 0
    bad: list[VerifiedFile] = []
    settings = settings_with(home=home, port=None, grpc_port=None)
    start_logging(settings)
    try:
        with opened(settings) as zoo:
            for file in verify_files(zoo):
                files += 1
                size += file.size_bytes
                if file.status is not FileStatus.WHOLE:
                    bad.append(file)
    except ZooError as error:
        fail(error)
    if as_json:
        typer.echo(_as_json(files, size, bad))
    else:
        _print(files, size, bad)
    if bad:
        raise typer.Exit(1)


def _as_json(files: int, size: int, bad: list[VerifiedFile]) -> str:
    problems = [
        {"sha256": file.sha256, "status": file.status, "needed_by": list(file.needed_by)}
        for file in bad
    ]
    return json.dumps({"files": files, "bytes": size, "problems": problems}, indent=2)


def _print(files: int, size: int, bad: list[VerifiedFile]) -> None:
    """A table of the files that are not whole, and a summary."""
    if bad:
        table = Table("file", "status", "needed by", box=None)
        for file in bad:
            table.add_row(file.sha256, file.status, ", ".join(file.needed_by) or "nothing")
        Console(width=_WIDTH).print(table)
    counts = Counter(file.status for file in bad)
    typer.echo(
        f"{counted(files, 'file')}, {size / 1e6:.1f} MB whole, {counts[FileStatus.DAMAGED]} damaged, "
        f"{counts[FileStatus.MISSING]} missing"
    )
    if bad:
        typer.echo(_REMEDY)
