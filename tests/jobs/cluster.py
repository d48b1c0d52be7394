"""A zoo with all its processes, and the questions that fault tests ask of it."""

import contextlib
import hashlib
import io
import signal
import subprocess
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import psutil
from PIL import Image
from sqlalchemy import func, text
from sqlalchemy.exc import DBAPIError

from service.container import Zoo
from service.core.catalog import Audience
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import FINAL_STATES, DatasetRecord, JobEventRecord, JobRecord, ModelRecord
from service.embedded.postgres import PrivatePostgres
from tests.jobs.processes import Process, WorkerHall
from tests.waiting import HANG_SECONDS, eventually

PROJECT = "default"
DATASET = "dst_squares"
STEPS_A_SECOND = 300
SHORT = {"width": 4, "batch_size": 2, "steps": 30}
ENDLESS = {"width": 64, "batch_size": 2, "steps": 100_000}
# The lease is the usual one, so that a worker of a busy machine keeps its job; ``end_lease``
# ends it where a test wants it over.
QUICK = {
    "ZOO_HEARTBEAT_SECONDS": "0.5",
    "ZOO_REAPER_INTERVAL_SECONDS": "0.5",
    "ZOO_SHUTDOWN_GRACE_SECONDS": "0.5",
}
TERMINAL = {"succeeded", "failed", "cancelled"}


@dataclass
class TestCluster:
    """Everything that runs, and a labeled set for jobs of any length."""

    __test__: ClassVar[bool] = False  # it is no test, whatever its name

    zoo: Zoo
    hall: WorkerHall
    postgres: PrivatePostgres
    workers: list[Process] = field(default_factory=list)

    def settle(self) -> None:
        """Start all parts and have the set of images checked."""
        self.redis = self.hall.redis()
        self.staff(1)
        self.scheduler = self.hall.scheduler()
        self._upload_squares()
        with self.zoo.transaction() as session:
            job = jobs.submit(
                session,
                project=PROJECT,
                method="dataset_ingestion",
                inputs={"dataset_id": DATASET},
                audience=Audience.INTERNAL,
            )
        assert self.ended(job.id).state == "succeeded"

    def _upload_squares(self) -> None:
        """A zip of small images under two labels, stored as an upload would be."""
        numbers = np.random.default_rng(0)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for index in range(16):
                pixels = numbers.integers(0, 255, (8, 8, 3), dtype=np.uint8)
                file = io.BytesIO()
                Image.fromarray(pixels).save(file, "PNG")
                archive.writestr(f"{'ab'[index % 2]}/{index}.png", file.getvalue())
        path = self.zoo.staging / "squares"
        path.write_bytes(buffer.getvalue())
        sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        self.zoo.blobs.add(path, sha256=sha256)
        with self.zoo.transaction() as session:
            record = DatasetRecord(
                id=DATASET,
                project=PROJECT,
                name="squares",
                manifest={"name": "squares"},
                upload_sha256=sha256,
                upload_bytes=len(buffer.getvalue()),
            )
            session.add(record)

    def submit(self, *, seconds: float = 0.1, **changes: object) -> str:
        """A real job, training, that computes for about so long on a quiet machine."""
        steps = max(1, int(seconds * STEPS_A_SECOND))
        return self._submit({**SHORT, "steps": steps}, **changes)

    def submit_endless(self, **changes: object) -> str:
        """A real job that is still at work whenever something is done to it."""
        return self._submit(ENDLESS, **changes)

    def shorten(self, job_id: str) -> None:
        """Have the next attempt at an endless job end soon; the running one goes on as it began."""
        with self.zoo.transaction() as session:
            job = session.get_one(JobRecord, job_id)
            job.params = {**job.params, **SHORT}

    def _submit(self, params: dict[str, int], **changes: object) -> str:
        with self.zoo.transaction() as session:
            number = session.query(ModelRecord).count()
            model = ModelRecord(
                id=f"mdl_{number}",
                project=PROJECT,
                name=f"reference {number}",
                state="pending",
                task_kind="other",
                manifest={},
            )
            session.add(model)
            session.flush()
            job = jobs.submit(
                session,
                project=PROJECT,
                method="reference_network",
                inputs={"dataset_id": DATASET, "model_id": model.id},
                params=params,
                audience=Audience.INTERNAL,
                **changes,
            )
            return job.id

    def job(self, job_id: str) -> JobRecord:
        """The row as it is now."""
        with self.zoo.transaction() as session:
            return owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)

    def model_of(self, job_id: str) -> ModelRecord:
        """The model a job was to make."""
        with self.zoo.transaction() as session:
            return session.get_one(ModelRecord, self.job(job_id).inputs["model_id"])

    def events(self, job_id: str) -> list[JobEventRecord]:
        """All events of a job."""
        with self.zoo.transaction() as session:
            return list(jobs.events_after(session, job_id=job_id, seq=0))

    def cancel(self, job_id: str) -> None:
        """Ask as a client would."""
        with self.zoo.transaction() as session:
            jobs.cancel(session, project=PROJECT, job_id=job_id)

    def is_final(self, job_id: str) -> bool:
        """Whether the job has ended; an unreachable database says no."""
        with contextlib.suppress(DBAPIError):
            return self.job(job_id).state in FINAL_STATES
        return False

    def ended(self, job_id: str) -> JobRecord:
        """The job once it has ended; it ended exactly once, and its events are whole."""
        eventually(lambda: self.is_final(job_id), facts=self._logs)
        job, events = self.job(job_id), self.events(job_id)
        assert [e.seq for e in events] == list(range(1, job.events + 1))
        assert [e.type for e in events if e.type in TERMINAL] == [job.state]
        assert events[-1].type == job.state
        return job

    def children(self) -> dict[str, psutil.Process]:
        """Living job processes by their job's id: whatever holds a file of an attempt's folder."""
        holders = {}
        parts = {part.pid for part in self.hall.started}
        for process in psutil.process_iter():
            if process.pid in parts:
                continue  # a worker lays out files
            with contextlib.suppress(psutil.Error):
                for path in (Path(file.path) for file in process.open_files()):
                    if self.zoo.scratch in path.parents:
                        attempt = path.relative_to(self.zoo.scratch).parts[0]
                        holders[attempt.partition(".")[0]] = process
        return holders

    def child_of(self, job_id: str) -> psutil.Process:
        """The living process that runs a job."""
        eventually(lambda: job_id in self.children(), facts=self._logs)
        return self.children()[job_id]

    def running(self, job_id: str) -> None:
        """Return once the job has reported progress."""
        eventually(lambda: bool(self.job(job_id).progress), facts=self._logs)

    def end_lease(self, job_id: str, *, seconds: float = 0.0) -> datetime:
        """When, by the database's clock, the lease of a silent worker is over from now on."""
        with self.zoo.transaction() as session:
            job = session.get_one(JobRecord, job_id)
            job.lease_until = func.clock_timestamp() + timedelta(seconds=seconds)
            session.flush()
            return job.lease_until

    def taken_over(self, job_id: str) -> None:
        """Return once a second claim runs the job."""
        eventually(lambda: self.job(job_id).fence == 2, facts=self._logs)

    def _logs(self) -> str:
        """The end of what every process has written."""
        return "\n".join(process.log.read_text()[-2000:] for process in self.hall.started)

    def staff(self, count: int) -> None:
        """Have at least so many workers."""
        while len(self.workers) < count:
            self.workers.append(self.hall.worker())

    def holder(self, job_id: str) -> Process:
        """The worker that claims to run a job."""
        pid = int((self.job(job_id).worker or "").rpartition(":")[2])
        return next(worker for worker in self.workers if worker.pid == pid)

    def lay_off(self, worker: Process, number: signal.Signals = signal.SIGKILL) -> None:
        """End a worker and wait until it and all it started are gone."""
        family = worker.descendants()
        worker.send(number)
        worker.process.wait(timeout=HANG_SECONDS)
        self.workers.remove(worker)
        _, left = psutil.wait_procs(family, timeout=HANG_SECONDS)
        assert not left, f"orphans: {left}"

    def freeze(self, worker: Process) -> None:
        """Stop a worker between two transactions, so that it holds no lock while it is silent."""

        def holds_nothing() -> bool:
            worker.send(signal.SIGSTOP)
            if not self._open_transactions():
                return True
            worker.send(signal.SIGCONT)
            return False

        eventually(holds_nothing)

    def _open_transactions(self) -> int:
        """How many connections besides this one are in a transaction."""
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        with self.zoo.transaction() as session:
            return session.scalar(others) or 0

    def crash_postgres(self) -> None:
        """Stop the database at once, as a power cut would, and start it again."""
        server = self.postgres._server
        command = ["pg_ctl", "-w", "-D", str(server.pgdata), "-m", "immediate", "restart"]
        command += ["-l", str(server.pgdata / "log"), "-o", _options(server.pgdata)]
        command[0] = str(server.bin_path / "pg_ctl")
        owner = {} if server.system_user is None else {"user": server.system_user}
        subprocess.run(command, check=True, capture_output=True, timeout=HANG_SECONDS, **owner)


def _options(folder: object) -> str:
    """The options the running server was started with, without its program."""
    with open(f"{folder}/postmaster.opts") as file:  # noqa: PTH123
        return file.read().split(" ", 1)[1].strip()
