"""With the settings as they come, the job of a killed worker runs again within 35 seconds."""

import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from service.core.records import JobState
from service.embedded.postgres import PrivatePostgres
from service.migrating import migrate
from service.settings import Settings
from service.wiring import zoo_from
from tests.jobs.processes import eventually, hall_of
from tests.jobs.town import Town


@pytest.mark.faults
@pytest.mark.slow
def test_a_killed_workers_job_is_taken_over_in_time():
    with TemporaryDirectory(prefix="zoo-") as name, PrivatePostgres(Path(name) / "pg") as postgres:
        folder = Path(name)
        postgres.create_database("zooscope")
        with hall_of(folder / "hall", postgres.url()) as hall:
            settings = Settings(home=folder / "hall" / "home", database_url=postgres.url())
            with closing(zoo_from(settings)) as zoo:
                migrate(zoo.engine)
                town = Town(zoo, hall, postgres)
                town.settle()
                town.staff(2)
                job_id = town.submit(seconds=8)
                town.running(job_id)

                town.lay_off(town.holder(job_id))
                killed_at = time.monotonic()
                eventually(lambda: town.job(job_id).fence == 2, seconds=60)

                assert time.monotonic() - killed_at <= 35
                assert town.ended(job_id).state == JobState.SUCCEEDED
