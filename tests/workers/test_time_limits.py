"""Every job, validation and prediction has a time limit of its own, scaled by the machine's speed."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from service import machine_speed
from service.container import Zoo
from service.core.catalog import Audience, method_named
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import JobRecord, ModelRecord
from service.machine_speed import ORDINARY_FLOPS_PER_SECOND, MachineSpeed, stored_speed
from service.settings import Settings
from tests.workers.programs.networks import NETWORKS, made, write_archive
from tests.workers.test_every_method_end_to_end import (
    PROJECT,
    add_dataset,
    add_model,
    images,
    network,
)
from workers.isolation.fork_client import ForkServerClient
from workers.methods.model_validation import TimeLimit
from workers.methods.model_validation.judgement import speed_problems
from workers.programs import read_program
from workers.worker.machine_speed import measure_speed
from workers.worker.run_job import WorkerContext, run_next
from workers.worker.time_limits import seconds_by_method, seconds_of


def settings_of(folder: Path, **changes: object) -> Settings:
    (folder / "cache").mkdir(exist_ok=True)
    return Settings(home=folder, **changes)


def store_speed(settings: Settings, flops_per_second: float) -> None:
    speed = MachineSpeed(flops_per_second=flops_per_second, bytes_per_second=1e9)
    machine_speed.store_speed(settings, speed)


def test_a_method_has_its_own_limit_which_a_setting_replaces(tmp_path: Path):
    own = method_named("depara").time_limit_seconds
    chosen = settings_of(tmp_path, method_timeouts="depara=7200,fine_tune=60.5")

    assert seconds_of("depara", settings_of(tmp_path)) == own
    assert seconds_of("depara", chosen) == 7200
    assert seconds_of("fine_tune", chosen) == 60.5
    assert seconds_of("fine_tune", settings_of(tmp_path)) == 24 * 3600
    assert seconds_of("depara", settings_of(tmp_path, job_timeout_seconds=5)) == 5


def test_a_slow_machine_has_longer_limits_and_a_fast_one_no_shorter_ones(tmp_path: Path):
    settings = settings_of(tmp_path)
    store_speed(settings, ORDINARY_FLOPS_PER_SECOND / 4)
    slow = seconds_by_method(settings)
    store_speed(settings, ORDINARY_FLOPS_PER_SECOND * 4)

    assert slow["model_validation"] == 4 * seconds_of("model_validation", settings)
    assert seconds_of("model_validation", settings) == 600


@pytest.mark.parametrize("text", ["depara", "depara=", "depara=-1", "depara=1;ranking=2"])
def test_unreadable_limits_are_refused(tmp_path: Path, text: str):
    with pytest.raises(ValidationError):
        settings_of(tmp_path, method_timeouts=text)


def test_the_speed_is_measured_in_a_child_and_the_best_figure_stays(
    fork_server: ForkServerClient, tmp_path: Path
):
    settings = settings_of(tmp_path)
    assert stored_speed(settings) is None

    measure_speed(settings, fork_server)

    measured = stored_speed(settings)
    assert measured is not None
    assert 1e7 < measured.flops_per_second < 1e14
    store_speed(settings, 1e15)
    measure_speed(settings, fork_server)
    assert stored_speed(settings).flops_per_second == 1e15
    assert not list((tmp_path / "cache").glob("speed.*"))


def test_a_network_that_takes_too_long_for_one_image_is_refused(tmp_path: Path):
    program = read_program(write_archive(made(NETWORKS["Plain"]), tmp_path / "net.pt2"))
    slow = TimeLimit(seconds=1.0, flops_per_second=program.flops / 2, bytes_per_second=1e12)

    (problem,) = speed_problems(program, slow)

    assert problem.code == "too_slow"
    assert "ZOO_PREDICT_TIMEOUT_SECONDS" in problem.remedy
    assert speed_problems(program, replace(slow, seconds=3.0)) == ()
    assert speed_problems(program, replace(slow, seconds=3.0, bytes_per_second=1.0))
    assert speed_problems(program, None) == ()


def run(zoo: Zoo, fork_server: ForkServerClient, method: str, **inputs: str) -> JobRecord:
    with zoo.transaction() as session:
        params = {"steps": 100_000, "width": 64} if method == "reference_network" else {}
        job = jobs.submit(
            session,
            project=PROJECT,
            method=method,
            inputs=inputs,
            params=params,
            audience=Audience.INTERNAL,
        )
    assert run_next(WorkerContext(zoo, fork_server, lambda: False))
    with zoo.transaction() as session:
        return owned_rows.get(session, JobRecord, project=PROJECT, id=job.id)


def test_a_job_beyond_its_methods_limit_is_killed_and_says_which(
    zoo: Zoo, fork_server: ForkServerClient
):
    limited = zoo.settings.model_copy(update={"method_timeouts": "reference_network=2"})
    add_dataset(zoo, images())
    run(zoo, fork_server, "dataset_ingestion", dataset_id="dst_1")
    with zoo.transaction() as session:
        session.add(
            ModelRecord(
                id="mdl_r", project=PROJECT, name="r", state="pending", task_kind="other",
                manifest={},
            )
        )  # fmt: skip

    job = run(
        replace(zoo, settings=limited),
        fork_server,
        "reference_network",
        dataset_id="dst_1",
        model_id="mdl_r",
    )

    assert (job.state, job.error["code"], job.attempts) == ("failed", "time_limit_exceeded", 1)
    assert "2 s" in job.error["detail"]
    assert "ZOO_METHOD_TIMEOUTS" in job.error["remedy"]


def test_an_upload_too_slow_for_this_machine_is_rejected(
    zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path
):
    (zoo.settings.folder / "cache").mkdir(parents=True)
    store_speed(zoo.settings, 1.0)
    add_model(zoo, network(tmp_path, 0), model_id="mdl_slow")

    job = run(zoo, fork_server, "model_validation", model_id="mdl_slow")

    assert job.result["state"] == "rejected"
    with zoo.transaction() as session:
        assert session.get_one(ModelRecord, "mdl_slow").problems[0]["code"] == "too_slow"
