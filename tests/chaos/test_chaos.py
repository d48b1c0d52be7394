"""Random faults leave a history that breaks no rule; ``make chaos`` strikes for an hour.

With its start and its rest this is three minutes on a machine that other tests share. The test
mostly waits: its faults come more slowly than those of the hour.
"""

import pytest

from tests.chaos.run import run

SECONDS = 90.0
LONGEST_GAP_SECONDS = 2.0

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_random_faults_break_no_rule_of_the_history():
    log: list[str] = []

    report = run(seed=1, seconds=SECONDS, write=log.append, longest_gap=LONGEST_GAP_SECONDS)

    assert report.violations == [], "\n".join([report.lines(), *log])
    assert sum(report.faults.values()) > 0
    assert sum(report.jobs.values()) > 1
