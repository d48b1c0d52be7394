"""A full disk never rejects an input: uploads get 507, jobs wait, and both resume once there is space."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from service.container import Zoo
from service.core.catalog import Audience
from service.core.operations.jobs import jobs
from service.core.operations.jobs.lifecycle import waiting_seconds
from service.core.tables import JobEventRecord, JobRecord, ModelRecord
from service.settings import Settings
from tests.disks import fill, small_disk
from tests.workers.test_every_method_end_to_end import PROJECT, add_model, network
from workers.isolation.fork_client import ForkServerClient
from workers.worker.run_job import WorkerContext, run_next


@pytest.fixture
def scratch(zoo_settings: Settings) -> Iterator[Path]:
    """The scratch folder, on a disk of two mebibytes."""
    with small_disk(zoo_settings.folder / "scratch", mebibytes=2) as folder:
        yield folder


@pytest.fixture
def context(scratch: Path, zoo: Zoo, fork_server: ForkServerClient) -> WorkerContext:
    return WorkerContext(zoo, fork_server, lambda: False)


def a_check(zoo: Zoo) -> str:
    """A job that checks a good model."""
    with zoo.transaction() as session:
        return jobs.submit(
            session,
            project=PROJECT,
            method="model_validation",
            inputs={"model_id": "mdl_1"},
            audience=Audience.INTERNAL,
        ).id


def job_of(zoo: Zoo, job_id: str) -> JobRecord:
    with zoo.transaction() as session:
        return session.get_one(JobRecord, job_id)


def state_of_model(zoo: Zoo) -> str:
    with zoo.transaction() as session:
        return session.get_one(ModelRecord, "mdl_1").state


def make_due(zoo: Zoo, job_id: str) -> None:
    """End the pause before the next attempt."""
    with zoo.transaction() as session:
        job = session.get_one(JobRecord, job_id)
        job.available_at = job.created_at


@pytest.mark.parametrize("left_bytes", [0, 8192, 65536, 200_000])
def test_a_good_model_is_checked_once_a_full_scratch_disk_has_space(
    context: WorkerContext, scratch: Path, tmp_path: Path, left_bytes: int
):
    """However far the job gets: nothing staged, no sandbox, no program, no result."""
    zoo = context.zoo
    add_model(zoo, _large_network(tmp_path), model_id="mdl_1")
    job_id = a_check(zoo)
    context.machine.guard._stop = 101.0
    ballast = fill(scratch)
    with ballast.open("r+b") as file:
        file.truncate(max(0, ballast.stat().st_size - left_bytes))

    for _ in range(5):
        assert run_next(context)
        assert job_of(zoo, job_id).attempts == 0
        make_due(zoo, job_id)

    waiting = job_of(zoo, job_id)
    assert (waiting.state, waiting.error, state_of_model(zoo)) == ("queued", None, "checking")
    ballast.unlink()
    assert run_next(context)
    assert (job_of(zoo, job_id).state, state_of_model(zoo)) == ("succeeded", "ready")
    with zoo.transaction() as session:
        reasons = session.query(JobEventRecord).where(JobEventRecord.type == "requeued").all()
    assert {event.data["reason"]["code"] for event in reasons} == {"storage_full"}
    assert len(reasons) == 5


def _large_network(folder: Path) -> bytes:
    """An archive that holds a pickle, so that its check writes a program of its own."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 64), nn.ReLU(), nn.Linear(64, 4))
    exported = torch.export.export(net.eval(), (torch.randn(2, 3, 16, 16),))
    torch.export.save(exported, folder / "large.pt2")
    return (folder / "large.pt2").read_bytes()


def test_no_job_is_claimed_above_the_watermark(
    context: WorkerContext, scratch: Path, tmp_path: Path
):
    zoo = context.zoo
    add_model(zoo, network(tmp_path, 0), model_id="mdl_1")
    job_id = a_check(zoo)
    ballast = fill(scratch)

    assert not run_next(context)

    assert job_of(zoo, job_id).fence == 0
    ballast.unlink()
    assert run_next(context)
    assert state_of_model(zoo) == "ready"


def test_pauses_grow_to_some_minutes():
    assert [waiting_seconds(failures) for failures in (0, 1, 2, 6, 99)] == [5, 10, 20, 300, 300]


def test_frames_are_written_as_numpy_writes_them(tmp_path: Path):
    frames = np.zeros((3, 4, 4, 3), dtype=np.uint8)
    np.save(tmp_path / "saved.npy", frames)
    header = {"descr": "|u1", "fortran_order": False, "shape": frames.shape}
    with (tmp_path / "written.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(frames.tobytes())

    assert (tmp_path / "written.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()
