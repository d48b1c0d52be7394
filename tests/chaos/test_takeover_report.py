"""The table of takeovers has every stage, and lists the jobs that waited for too long."""

from tests.chaos.stages import STAGES
from tests.chaos.takeover import Takeover
from tests.chaos.takeover_report import LIMIT_SECONDS, summary, table, too_late

IN_TIME = [Takeover("running", float(number), 0.1, 0.2, number % 2) for number in range(1, 5)]
LATE = Takeover("saving", LIMIT_SECONDS + 0.001, 5.0, 0.1, 0)


def test_the_summary_counts_kills_and_missed_jobs_by_stage_and_in_all():
    figures = summary([*IN_TIME, LATE])

    assert {stage: row["kills"] for stage, row in figures.items() if row["kills"]} == {
        "running": 4,
        "saving": 1,
        "all": 5,
    }
    assert (figures["running"]["missed"], figures["all"]["missed"]) == (2, 2)
    assert figures["running"]["kill to queue p50"] == 2.5
    assert figures["all"]["kill to queue max"] == LATE.from_kill


def test_a_job_that_waited_for_longer_than_the_limit_is_listed():
    assert too_late([*IN_TIME, LATE]) == [LATE]
    assert str(LATE) in table([*IN_TIME, LATE])


def test_the_table_has_a_line_for_every_stage():
    lines = table(IN_TIME).splitlines()

    assert [line.split()[0] for line in lines] == ["stage", *STAGES, "all"]
