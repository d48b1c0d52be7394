"""Shows a running job: a table that updates on a terminal, lines elsewhere."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from service.core.counts import counted
from zooscope.cli.context import CliContext
from zooscope.cli.output import format_time

_BARS = "▁▂▃▄▅▆▇█"
_LONGEST_CURVE = 24
_BAR_CELLS = 40
_STATES = {"started": "running", "requeued": "queued", "cancel_requested": "cancelling"}


class JobProgressTable:
    """State, progress and metrics of a job, updated with each event.

    Metrics are stored by step: a job that resumes from a checkpoint reports some of them again.
    """

    def __init__(self, job: Any) -> None:
        self._job = job
        self._unit = unit_of(job)
        self._state: str = job["state"]
        self._progress: dict[str, Any] = dict(job["progress"])
        self._curves: dict[str, dict[int, float]] = {}
        self._warnings: dict[int, str] = {}

    def update(self, event: Any) -> None:
        """Apply an event."""
        kind, data = event["type"], event["data"]
        if kind == "progress":
            self._progress = {**self._progress, **data}
        elif kind == "metrics":
            for name, value in data.items():
                if name != "step":
                    self._curves.setdefault(name, {})[data["step"]] = value
        elif kind == "warning":
            text = f"warning: {data['detail']} ({data['code']}); {data['remedy']}"
            self._warnings[event["seq"]] = text
        else:
            self._state = _STATES.get(kind, kind)

    def line(self, event: Any) -> str:
        """The event as one line of text."""
        items = event["data"].items()
        texts = [f"{name}={self._value_text(name, value, event)}" for name, value in items]
        return (
            f"{format_time(event['at'])}  {event['seq']:>4}  {event['type']}  {'  '.join(texts)}"
        )

    def _value_text(self, name: str, value: Any, event: Any) -> str:
        if event["type"] != "metrics" or name == "step":
            return str(value)
        return f"{value:.4g} {sparkline(self._curve(name))}"

    def _curve(self, name: str) -> Sequence[float]:
        """The last values of a metric, by step."""
        by_step = self._curves[name]
        return [by_step[step] for step in sorted(by_step)][-_LONGEST_CURVE:]

    def picture(self) -> RenderableType:
        """The table: state, progress, and each metric with its curve."""
        head = Table.grid(padding=(0, 2))
        head.add_row(self._job["id"], self._job["method"], f"[bold]{escape(self._state)}[/]")
        parts: list[RenderableType] = [head, self._bar()]
        numbers = [self._numbers()] if self._curves else []
        return Group(*parts, *numbers, *map(escape, self._warnings.values()))

    def _bar(self) -> RenderableType:
        step, total = self._progress.get("step", 0), self._progress.get("total", 0)
        row = Table.grid(padding=(0, 2))
        row.add_row(
            ProgressBar(total=total or 1, completed=step, width=_BAR_CELLS),
            f"{step}/{total}{self._unit}" if total else counted(step, "step"),
            escape(self._progress.get("message", "")),
        )
        return row

    def _numbers(self) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("metric")
        for heading in ("latest", "first", "lowest", "highest"):
            table.add_column(heading, justify="right")
        table.add_column("curve", no_wrap=True)
        for name, by_step in self._curves.items():
            latest, first = by_step[max(by_step)], by_step[min(by_step)]
            ends = (latest, first, min(by_step.values()), max(by_step.values()))
            table.add_row(name, *(f"{value:.4g}" for value in ends), sparkline(self._curve(name)))
        return table


def unit_of(job: Any) -> str:
    """The unit of a job's progress as a suffix; empty for steps."""
    budget = job["params"].get("budget") or {}
    return " s" if budget.get("seconds") is not None else ""


def follow(context: CliContext, job: Any, *, after: int = 0) -> Any:
    """Show the events of a job after event ``after``; return the job once it has finished."""
    table = JobProgressTable(job)
    with context.out.screen() as screen:
        for event in context.zoo.jobs.watch(job["id"], after=after):
            table.update(event)
            if screen is None:
                context.out.event(event, table.line(event))
            else:
                screen.update(table.picture())
    return context.zoo.jobs.show(job["id"])


def sparkline(values: Sequence[float]) -> str:
    """One bar for each value, from the lowest of them to the highest."""
    low, high = min(values), max(values)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] for value in values)
