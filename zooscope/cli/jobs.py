"""``zooscope jobs``: runs of methods."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from zooscope import ZooClientError
from zooscope.cli.context import Talk, command
from zooscope.cli.live_table import follow, unit_of
from zooscope.cli.output import Give, TableColumn, id_column

app = typer.Typer(
    help="Runs of methods: submit, look, watch, cancel, retry.", no_args_is_help=True
)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of a job, job_…")]


def _progress(job: Any) -> str:
    step, total = (job["progress"].get(name, 0) for name in ("step", "total"))
    return f"{step}/{total}{unit_of(job)}" if total else ""


COLUMNS = (
    id_column("id", "id"),
    TableColumn("method", lambda job: job["method"]),
    TableColumn("state", lambda job: job["state"], give=Give.STAYS),
    TableColumn("progress", _progress, "right", Give.STAYS),
    TableColumn("created", lambda job: job["created_at"][:19].replace("T", " ")),
)


Pairs = list[str] | None


@command(app)
def submit(
    talk: Talk,
    *,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="See `zooscope methods ls`.")],
    teacher: Annotated[
        list[str] | None, typer.Option(help="Network to learn from, mdl_…; repeatable.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Network to fine-tune or probe, mdl_….")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Images to learn on, dst_…")] = None,
    eval_dataset: Annotated[
        str | None, typer.Option(help="Labeled images to evaluate on, dst_…")
    ] = None,
    student: Annotated[
        Pairs, typer.Option(metavar="NAME=VALUE", help="Of the network to make; repeatable.")
    ] = None,
    inputs: Annotated[
        Pairs, typer.Option("--input", "-i", metavar="NAME=VALUE", help="Other input; repeatable.")
    ] = None,
    params: Annotated[
        Pairs, typer.Option("--set", "-s", metavar="NAME=VALUE", help="Parameter; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of all random draws.")] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where it runs.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="500|30s", help="How long it lasts: steps, or seconds.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it is final.")] = False,
) -> None:
    """Run a method; `zooscope methods show METHOD` tells what it takes.

    Values are JSON, or else taken as text.
    """
    job = talk.zoo.jobs.submit(
        method,
        inputs=_pairs(inputs),
        params=_pairs(params),
        teachers=teacher,
        source_model_id=source,
        dataset_id=dataset,
        eval_dataset_id=eval_dataset,
        student=_pairs(student) or None,
        seed=seed,
        device=device,
        budget=_budget(budget),
    )
    if watch:
        fail_with(follow(talk, job))
    else:
        talk.out.done(job, f"{job['id']}  {job['method']}  {job['state']}")


def _budget(text: str | None) -> dict[str, float] | None:
    """``500`` steps, or ``30s``; None when nothing is said."""
    if text is None:
        return None
    try:
        return {"seconds": float(text[:-1])} if text.endswith("s") else {"steps": int(text)}
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither steps (500) nor seconds (30s)") from error


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
    fail_with(follow(talk, talk.zoo.jobs.show(job), after=after))


@command(app)
def cancel(talk: Talk, *, job: JobId) -> None:
    """Cancel a queued job, or ask a running one to stop; its last checkpoint is kept."""
    answer = talk.zoo.jobs.cancel(job)
    talk.out.done(answer, f"{job} is {answer['state']}")


@command(app)
def retry(talk: Talk, *, job: JobId) -> None:
    """Queue a failed or cancelled job again; a training goes on from its last checkpoint."""
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
        TableColumn("name", lambda artifact: artifact["name"]),
        TableColumn("type", lambda artifact: artifact["media_type"]),
        TableColumn("bytes", lambda artifact: str(artifact["size_bytes"]), "right", Give.STAYS),
    )
    found = talk.zoo.jobs.artifacts(job)
    for artifact in found if out is not None else ():
        assert out is not None
        destination = out / Path(artifact["name"]).name
        destination.parent.mkdir(parents=True, exist_ok=True)
        talk.zoo.jobs.download(artifact["id"], destination)
    talk.out.rows(found, columns, empty="the job has no files")
