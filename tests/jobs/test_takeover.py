"""The job of a silent worker is looked for as soon as its lease is over, and 35 seconds are enough."""

import time
from dataclasses import replace

import pytest

from service.container import Zoo
from service.core.operations.jobs import lifecycle
from service.scheduler.loop import SHORTEST_PAUSE_SECONDS, Scheduler
from service.settings import Settings
from tests.jobs.builders import a_job
from tests.waiting import HANG_SECONDS


def test_the_usual_settings_leave_a_job_with_a_silent_worker_for_35_seconds_at_most():
    fields = Settings.model_fields
    lease, reaper_interval, heartbeat = (
        fields[f"{name}_seconds"].default for name in ("lease", "reaper_interval", "heartbeat")
    )

    assert lease + reaper_interval <= 35
    assert heartbeat <= lease / 3


@pytest.mark.parametrize("lease_seconds", [HANG_SECONDS, 9 * HANG_SECONDS])
def test_the_next_sweep_comes_when_a_lease_is_over_and_at_the_latest_after_the_interval(
    zoo: Zoo, lease_seconds: float
):
    with zoo.transaction() as session:
        a_job(session)
        lifecycle.claim(
            session, worker="w", queues=["cpu"], lease_seconds=lease_seconds, running_seconds=7200
        )
    interval = 3 * HANG_SECONDS
    patient = replace(
        zoo, settings=zoo.settings.model_copy(update={"reaper_interval_seconds": interval})
    )
    pause = min(lease_seconds + SHORTEST_PAUSE_SECONDS, interval)

    next_sweep = Scheduler(patient, None).sweep()

    assert next_sweep <= time.monotonic() + pause
