"""``zooscope audit``: the audit log, for administrators."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from service.core.clock import now
from zooscope.cli.context import CliContext, command
from zooscope.cli.output import format_time
from zooscope.client.results import AuditEvent

app = typer.Typer()
_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, *, option: str) -> datetime:
    """The time in an ISO 8601 text, or as long ago as ``90s``, ``15m``, ``24h`` or ``7d`` says.

    Raises:
        typer.BadParameter: It is neither; names ``option``.
    """
    if ago := _AGO.fullmatch(text):
        try:
            return now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError as error:
            raise typer.BadParameter("that is before the first year", param_hint=option) from error
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            "use a time such as 2026-05-01T12:00, or 24h, 7d", param_hint=option
        ) from error
    return parsed if parsed.tzinfo else parsed.astimezone()


@command(app)
def audit(
    context: CliContext,
    *,
    since: Annotated[
        str | None, typer.Option(help="Start: a time (ISO 8601), or how long ago: 90s, 24h, 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="End, written in the same way.")] = None,
) -> None:
    """Print the audit log, oldest call first: who did what to which id, from where.

    With --json each call is one line of JSON.
    """
    period = {
        name: None if text is None else moment(text, option=f"--{name}")
        for name, text in (("since", since), ("until", until))
    }
    for event in context.zoo.audit.ls(**period):
        context.out.event(event, _line(event))


def _line(event: AuditEvent) -> str:
    """A call in one line."""
    outcome = event["outcome"] if event.get("code") is None else f"refused: {event['code']}"
    count = f"× {event['count']}" if event["count"] > 1 else ""
    parts = (
        format_time(event["at"]),
        event.get("project") or "–",
        event.get("key_id") or "–",
        event.get("address") or "–",
        event["action"],
        " ".join(event["ids"]),
        outcome,
        count,
    )
    return "  ".join(part for part in parts if part)
