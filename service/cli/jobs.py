"""``zooscope jobs`` and ``zooscope methods``: runs, and what can be run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.output import Column, Give, id_column
from service.cli.talking import Talk, command
from service.client import ZooClientError

app = typer.Typer(
    help="Runs of methods: submit, look, watch, cancel, retry.", no_args_is_help=True
)
methods_app = typer.Typer()

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of a job, job_…")]

COLUMNS = (
    id_column("id", "id"),
    Column("method", lambda job: job["method"]),
    Column("state", lambda job: job["state"], give=Give.STAYS),
    Column("progress", lambda job: _progress(job["progress"]), "right", Give.STAYS),
    Column("created", lambda job: job["created_at"][:19].replace("T", " ")),
)
METHOD_COLUMNS = (
    Column("name", lambda method: method["name"]),
    Column("title", lambda method: method["title"]),
    Column("source", lambda method: method["source"]),
)


_BARS = "▁▂▃▄▅▆▇█"
_LONGEST_CURVE = 24


def _progress(progress: Any) -> str:
    total = progress.get("total")
    return f"{progress['step']}/{total}" if total else ""


@command(app)
def submit(
    talk: Talk,
    *,
    method: Annotated[str, typer.Argument(help="See `zooscope methods`.")],
    inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", help="name=value; repeatable.")
    ] = None,
    params: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="name=value; repeatable.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is final.")] = False,
) -> None:
    """Run a method. Values are JSON, or else taken as text."""
    job = talk.zoo.jobs.submit(method, inputs=_pairs(inputs), params=_pairs(params))
    if wait:
        job = talk.zoo.jobs.wait(job["id"])
    talk.out.done(job, f"{job['id']}  {job['method']}  {job['state']}")
    fail_with(job)


def _pairs(given: list[str] | None) -> dict[str, Any]:
    """``name=value`` pairs as a dictionary."""
    pairs = [pair.partition("=") for pair in given or []]
    if bad := [name for name, equals, _ in pairs if not equals]:
        raise typer.BadParameter(f"{bad[0]!r} is not of the form name=value")
    return {name: _value(text) for name, _, text in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def fail_with(job: Any) -> None:
    """End the command as the job ended, when it failed."""
    if job["state"] == "failed":
        error = job.get("error") or {"code": "failed", "detail": "the job failed"}
        raise ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))


@command(app)
def ls(
    talk: Talk,
    *,
    state: Annotated[str | None, typer.Option(help="Such as running or failed.")] = None,
    method: Annotated[str | None, typer.Option(help="Only of this method.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """List jobs, newest first."""
    found = talk.zoo.jobs.ls(state=state, method=method, limit=limit)
    talk.out.rows(found, COLUMNS, empty="no job fits")


@command(app)
def show(talk: Talk, *, job: JobId) -> None:
    """Show everything about a job."""
    talk.out.thing(talk.zoo.jobs.show(job))


@command(app)
def watch(
    talk: Talk,
    *,
    job: JobId,
    after: Annotated[int, typer.Option(min=0, help="Only events behind this one.")] = 0,
) -> None:
    """Follow a job until it is final; a broken connection is picked up again."""
    curves: dict[str, list[float]] = {}
    for event in talk.zoo.jobs.watch(job, after=after):
        said = _metrics(event["data"], curves) if event["type"] == "metrics" else _said(event)
        talk.out.event(event, f"{event['at'][:19]}  {event['seq']:>4}  {event['type']}  {said}")
    fail_with(talk.zoo.jobs.show(job))


def _said(event: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in event["data"].items())


def _metrics(data: Any, curves: dict[str, list[float]]) -> str:
    """Named numbers, each with the curve of its values so far, which are added to ``curves``."""
    parts = [f"step={data.get('step')}"]
    for name, value in data.items():
        if name != "step":
            curve = curves.setdefault(name, [])
            curve.append(value)
            parts.append(f"{name}={value:.4g} {sparkline(curve[-_LONGEST_CURVE:])}")
    return "  ".join(parts)


def sparkline(values: Sequence[float]) -> str:
    """One bar for each value, from the lowest of them to the highest."""
    low, high = min(values), max(values)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] for value in values)


@command(app)
def cancel(talk: Talk, *, job: JobId) -> None:
    """Cancel a queued job, or ask a running one to stop."""
    answer = talk.zoo.jobs.cancel(job)
    talk.out.done(answer, f"{job} is {answer['state']}")


@command(app)
def retry(talk: Talk, *, job: JobId) -> None:
    """Queue a failed or cancelled job again."""
    answer = talk.zoo.jobs.retry(job)
    talk.out.done(answer, f"{job} is {answer['state']}")


@command(app)
def artifacts(
    talk: Talk,
    *,
    job: JobId,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to fetch them to.")
    ] = None,
) -> None:
    """List the files a job produced, or fetch them."""
    columns = (
        id_column("id", "id"),
        Column("name", lambda artifact: artifact["name"]),
        Column("type", lambda artifact: artifact["media_type"]),
        Column("bytes", lambda artifact: str(artifact["size_bytes"]), "right", Give.STAYS),
    )
    found = talk.zoo.jobs.artifacts(job)
    for artifact in found if out is not None else ():
        assert out is not None
        destination = out / Path(artifact["name"]).name
        destination.parent.mkdir(parents=True, exist_ok=True)
        talk.zoo.jobs.download(artifact["id"], destination)
    talk.out.rows(found, columns, empty="the job has no files")


@command(methods_app)
def methods(
    talk: Talk,
    *,
    name: Annotated[str | None, typer.Argument(help="Show this one with its parameters.")] = None,
) -> None:
    """List what jobs can run, or show one method with its schemas."""
    if name is None:
        talk.out.rows(talk.zoo.methods.ls(), METHOD_COLUMNS, empty="no methods")
    else:
        talk.out.thing(talk.zoo.methods.show(name))
