"""Watching a job shows its metrics as they arrive: in place on a terminal, as lines elsewhere."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from service.container import Zoo
from service.core.operations.jobs import jobs
from tests.zooscope.cli.shells import Shell
from zooscope.cli.live_table import JobProgressTable, sparkline

JOB = {
    "id": "job_1",
    "method": "fine_tune",
    "state": "queued",
    "progress": {"step": 0, "total": 0},
}


def table_after(*events: tuple[str, dict[str, Any]], **params: Any) -> JobProgressTable:
    """A table after these events."""
    table = JobProgressTable({**JOB, "params": params})
    for seq, (kind, data) in enumerate(events, 1):
        table.update({"seq": seq, "at": "2026-11-22T18:00:00Z", "type": kind, "data": data})
    return table


def drawn(table: JobProgressTable) -> str:
    paper = StringIO()
    Console(width=120, file=paper).print(table.picture())
    return paper.getvalue()


def test_the_lowest_value_is_the_lowest_bar_and_the_highest_the_highest():
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"


def test_equal_values_are_lowest_bars():
    assert sparkline([3.0, 3.0]) == "▁▁"


def test_the_table_shows_state_progress_and_extremes_of_each_metric():
    table = table_after(
        ("started", {"attempt": 1}),
        ("progress", {"step": 40, "total": 100, "message": "distillation"}),
        ("metrics", {"step": 10, "loss": 2.0}),
        ("metrics", {"step": 20, "loss": 0.5}),
        ("metrics", {"step": 30, "loss": 1.0, "accuracy": 0.75}),
    )

    lines = drawn(table).splitlines()

    assert lines[0].split() == ["job_1", "fine_tune", "running"]
    assert lines[1].split()[-2:] == ["40/100", "distillation"]
    assert [line.split() for line in lines[3:]] == [
        ["loss", "1", "2", "0.5", "2", "█▁▃"],
        ["accuracy", "0.75", "0.75", "0.75", "0.75", "▁"],
    ]


def test_a_warning_is_shown_and_is_no_state():
    warning = {"code": "near_chance", "detail": "it learned little", "remedy": "train longer"}

    text = drawn(table_after(("started", {}), ("warning", warning)))

    assert "running" in text
    assert "warning: it learned little (near_chance); train longer" in text


def test_progress_of_a_time_budget_is_in_seconds():
    reported = ("progress", {"step": 12, "total": 30, "message": "distillation"})

    table = table_after(reported, budget={"steps": None, "seconds": 30.0})

    assert drawn(table).splitlines()[1].split()[-3:] == ["12/30", "s", "distillation"]


def test_a_metric_reported_again_after_a_checkpoint_is_drawn_once():
    table = table_after(
        ("metrics", {"step": 10, "loss": 2.0}),
        ("metrics", {"step": 20, "loss": 1.0}),
        ("requeued", {"reason": {}}),
        ("metrics", {"step": 20, "loss": 1.0}),
    )

    assert drawn(table).splitlines()[-1].split() == ["loss", "1", "2", "1", "2", "█▁"]


def _cancelled_training(zoo: Zoo, shell: Shell) -> str:
    """The id of a job that learned a little and was cancelled."""
    words = ("-i", "model_id=mdl_1", "-i", "dataset_id=dst_1")
    job_id: str = shell.json("jobs", "submit", "depara", *words)["id"]
    with zoo.transaction() as session:
        for step, loss in ((1, 4.0), (2, 2.0)):
            data = {"step": step, "loss": loss}
            jobs.append_event(session, job_id, type="metrics", data=data)
    shell.output("jobs", "cancel", job_id)
    return job_id


@pytest.mark.usefixtures("measurable")
def test_without_a_terminal_every_event_is_a_line(shell: Shell, zoo: Zoo):
    job_id = _cancelled_training(zoo, shell)

    lines = shell.output("jobs", "watch", job_id).splitlines()
    events = shell.output("jobs", "watch", job_id, "--json", "--after", "1").splitlines()

    assert [line.split()[3] for line in lines] == ["queued", "metrics", "metrics", "cancelled"]
    assert "loss=2 █▁" in lines[2]
    assert [json.loads(line)["seq"] for line in events] == [2, 3, 4]


def everything_on(terminal: int) -> bytes:
    """What a program writes until it closes its end, in however many pieces."""
    data = b""
    with suppress(OSError):
        while piece := os.read(terminal, 1 << 16):
            data += piece
    return data


@pytest.mark.usefixtures("measurable")
def test_on_a_terminal_the_table_is_drawn(shell: Shell, zoo: Zoo):
    job_id = _cancelled_training(zoo, shell)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "zooscope.cli.main", "jobs", "watch", job_id]

    environment = {**shell.environment, "TERM": "xterm"}
    with subprocess.Popen(command, env=environment, stdout=theirs) as watching:
        os.close(theirs)
        screen = everything_on(ours).decode()
        os.close(ours)

    assert watching.returncode == 0
    assert all(word in screen for word in ("highest", "loss", "█▁", "cancelled"))
