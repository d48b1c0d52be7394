"""``zooscope jobs``: submit and manage jobs."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from zooscope import ZooClientError
from zooscope.cli.context import CliContext, command
from zooscope.cli.json_values import json_or_text
from zooscope.cli.list_options import Count, Limit, Query, print_counts
from zooscope.cli.live_table import follow, unit_of
from zooscope.cli.option_names import Fills
from zooscope.cli.output import Overflow, TableColumn, id_column, time_column
from zooscope.client.jobs import JobSort

app = typer.Typer(
    help="Jobs: submit, list, show, watch, cancel, retry, download artifacts.",
    no_args_is_help=True,
)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job, job_…")]


def _progress(job: Any) -> str:
    step, total = (job["progress"].get(name, 0) for name in ("step", "total"))
    return f"{step}/{total}{unit_of(job)}" if total else ""


COLUMNS = (
    id_column("id", "id"),
    TableColumn("method", lambda job: job["method"]),
    TableColumn("state", lambda job: job["state"], overflow=Overflow.KEEP),
    TableColumn("progress", _progress, "right", Overflow.KEEP),
    time_column("created", "created_at"),
)


Pairs = list[str] | None


@command(app)
def submit(
    context: CliContext,
    *,
    method: Annotated[
        str,
        typer.Argument(metavar="METHOD", help="Name of the method; see `zooscope methods ls`."),
    ],
    teacher: Annotated[
        list[str] | None,
        typer.Option(help="Network to learn from, by id or name; repeatable."),
        Fills("teachers"),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Network to fine-tune or to probe, by id or name."),
        Fills("source_model_id"),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Dataset to train on, by id or name."),
        Fills("dataset_id"),
    ] = None,
    eval_dataset: Annotated[
        str | None,
        typer.Option(help="Labeled dataset for evaluation, by id or name."),
        Fills("eval_dataset_id"),
    ] = None,
    student: Annotated[
        Pairs,
        typer.Option(metavar="NAME=VALUE", help="Field of the network to train; repeatable."),
    ] = None,
    inputs: Annotated[
        Pairs,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="Other input; repeatable."),
        Fills("inputs"),
    ] = None,
    params: Annotated[
        Pairs,
        typer.Option("--set", "-s", metavar="NAME=VALUE", help="Parameter; repeatable."),
        Fills("params"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed.")] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"] | None,
        typer.Option(help="Device to run on."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="500|30s", help="Training length in steps, or in seconds."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Watch the job until it has finished.")
    ] = False,
) -> None:
    """Submit a job; `zooscope methods show METHOD` lists its inputs and parameters.

    A VALUE is JSON; anything else is text.
    """
    job = context.zoo.jobs.submit(
        method,
        inputs=_pairs(inputs, "--input"),
        params=_pairs(params, "--set"),
        teachers=teacher,
        source_model_id=source,
        dataset_id=dataset,
        eval_dataset_id=eval_dataset,
        student=_pairs(student, "--student") or None,
        seed=seed,
        device=device,
        budget=_budget(budget),
    )
    if watch:
        fail_with(follow(context, job))
    else:
        context.out.done(job, f"{job['id']}  {job['method']}  {job['state']}")


def _budget(text: str | None) -> dict[str, float] | None:
    """The budget ``500`` (steps) or ``30s`` (seconds); None if there is none."""
    if text is None:
        return None
    try:
        return {"seconds": float(text[:-1])} if text.endswith("s") else {"steps": int(text)}
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is neither steps (500) nor seconds (30s)", param_hint="--budget"
        ) from error


def _pairs(texts: list[str] | None, option: str) -> dict[str, Any]:
    """The ``name=value`` pairs of an option as a dictionary."""
    pairs = [pair.partition("=") for pair in texts or []]
    if bad := [name for name, equals, _ in pairs if not equals]:
        raise typer.BadParameter(f"{bad[0]!r} is not of the form name=value", param_hint=option)
    return {name: json_or_text(text) for name, _, text in pairs}


def fail_with(job: Any) -> None:
    """Raise the job's error if the job failed."""
    if job["state"] == "failed":
        raise ZooClientError.failed(job, name="job")


@command(app)
def ls(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="State, such as running or failed.")] = None,
    method: Annotated[str | None, typer.Option(help="Only jobs of this method.")] = None,
    query: Query = None,
    sort: Annotated[JobSort, typer.Option(help="Field to sort by.")] = "-created_at",
    limit: Limit = 50,
    count: Count = False,
) -> None:
    """List jobs, newest first."""
    filters: Any = {"q": query, "state": state, "method": method}
    if count:
        print_counts(context, context.zoo.jobs.counts(**filters))
        return
    jobs = context.zoo.jobs.ls(sort=sort, limit=limit, **filters)
    context.out.rows(jobs, COLUMNS, empty="no matching jobs")


@command(app)
def show(context: CliContext, *, job: JobId) -> None:
    """Show all fields of a job."""
    context.out.item(context.zoo.jobs.show(job))


@command(app)
def watch(
    context: CliContext,
    *,
    job: JobId,
    after: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
) -> None:
    """Watch a job until it has finished; reconnect after a broken connection."""
    fail_with(follow(context, context.zoo.jobs.show(job), after=after))


@command(app)
def cancel(context: CliContext, *, job: JobId) -> None:
    """Cancel a job: a queued one immediately, a running one within seconds; keep its checkpoint."""
    answer = context.zoo.jobs.cancel(job)
    context.out.done(answer, f"{job} is {answer['state']}")


@command(app)
def retry(context: CliContext, *, job: JobId) -> None:
    """Retry a failed or cancelled job; a training resumes from its last checkpoint."""
    answer = context.zoo.jobs.retry(job)
    context.out.done(answer, f"{job} is {answer['state']}")


@command(app)
def artifacts(
    context: CliContext,
    *,
    job: JobId,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to download to.")] = None,
) -> None:
    """List the artifacts of a job, or download them."""
    columns = (
        id_column("id", "id"),
        TableColumn("name", lambda artifact: artifact["name"]),
        TableColumn("type", lambda artifact: artifact["media_type"]),
        TableColumn("bytes", lambda artifact: str(artifact["size_bytes"]), "right", Overflow.KEEP),
    )
    artifacts = context.zoo.jobs.artifacts(job)
    for artifact in artifacts if out is not None else ():
        assert out is not None
        destination = out / Path(artifact["name"]).name
        destination.parent.mkdir(parents=True, exist_ok=True)
        context.zoo.jobs.download(artifact["id"], destination)
    context.out.rows(artifacts, columns, empty="the job has no artifacts")
