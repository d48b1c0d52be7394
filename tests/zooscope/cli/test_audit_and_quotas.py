"""``zooscope audit`` and ``zooscope quotas``."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import typer

from tests.zooscope.cli.shells import Shell
from zooscope.cli.audit import moment


def test_the_log_is_printed_as_lines_and_as_json_lines(shell: Shell):
    issued = shell.json("keys", "create", "ci", "--scope", "read")

    text = shell.output("audit", "--since", "1h")
    lines = [json.loads(line) for line in shell.output("audit", "--json").splitlines()]
    nothing = shell.output("audit", "--until", "2020-01-01T00:00:00Z")

    assert issued["id"] in text
    assert [line["action"] for line in lines] == ["keys.create", "keys.create"]
    assert lines[-1]["ids"] == [issued["id"]]
    assert nothing == ""


def test_quotas_are_shown_by_default_and_set(shell: Shell):
    shell.output("keys", "create", "first", "--scope", "read", "--project", "other")
    shell.output("quotas", "set", "other", "--models", "3", "--job-seconds", "60")
    shell.output("quotas", "set", "other", "--reset", "job_seconds")

    own = shell.output("quotas")
    other = {item["quota"]: item for item in shell.json("quotas", "--project", "other")}

    assert "last 24 hours" in own
    assert other["models"]["limit"] == 3
    assert other["job_seconds"]["limit"] is None


def test_quotas_of_a_project_that_does_not_exist_are_refused(shell: Shell):
    done = shell.run("quotas", "set", "defualt", "--models", "3")

    assert done.returncode == 1
    assert "there is no project 'defualt'" in done.stderr
    assert "did you mean `default`?" in done.stderr


@pytest.mark.parametrize(
    ("text", "ago"), [("90s", timedelta(seconds=90)), ("7d", timedelta(days=7))]
)
def test_a_time_may_be_how_long_ago(text: str, ago: timedelta):
    assert abs(datetime.now(UTC) - ago - moment(text, option="--since")) < timedelta(minutes=1)


def test_a_time_may_be_a_date_and_nothing_else():
    assert moment("2026-05-01T12:00+02:00", option="--since").hour == 12
    assert moment("2026-05-01", option="--since").tzinfo is not None
    with pytest.raises(typer.BadParameter):
        moment("yesterday", option="--since")
