"""A zoo with all its processes, and the operations of fault tests."""

import contextlib
import hashlib
import io
import os
import signal
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import psutil
from PIL import Image
from sqlalchemy import func, text
from sqlalchemy.exc import DBAPIError

from service.container import Zoo, zoo_from
from service.core.catalog import Audience
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import FINAL_STATES, DatasetRecord, JobEventRecord, JobRecord, ModelRecord
from service.embedded.components import ComponentName
from service.embedded.postgres import PrivatePostgres
from service.migrate import migrate
from service.settings import Settings
from tests.jobs.processes import Process, ZooProcesses, zoo_processes
from tests.waiting import HANG_SECONDS, eventually
from workers.isolation.sandbox import process_name

PROJECT = "default"
DATASET = "dst_squares"
STEPS_A_SECOND = 300
SHORT = {"width": 4, "batch_size": 2, "steps": 30}
ENDLESS = {"width": 64, "batch_size": 2, "steps": 100_000}
# The lease is long, so that a worker of a busy machine keeps its job; ``end_lease`` ends it where a
# test wants it over.
QUICK = {
    "ZOO_LEASE_SECONDS": "120",
    "ZOO_HEARTBEAT_SECONDS": "0.5",
    "ZOO_REAPER_INTERVAL_SECONDS": "0.5",
    "ZOO_SHUTDOWN_GRACE_SECONDS": "0.5",
}
TERMINAL = {"succeeded", "failed", "cancelled"}


@dataclass
class TestCluster:
    """The processes of a zoo, and a labeled dataset for jobs of any length."""

    __test__: ClassVar[bool] = False  # it is no test, whatever its name

    zoo: Zoo
    processes: ZooProcesses
    postgres: PrivatePostgres
    workers: list[Process] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)

    def bootstrap(self) -> None:
        """Start all processes and ingest the dataset."""
        self.redis = self.processes.redis()
        self.scheduler = self.processes.start(ComponentName.SCHEDULER)
        self.start_workers(1)
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
        """A real training job that computes for about ``seconds`` on an idle machine."""
        steps = max(1, int(seconds * STEPS_A_SECOND))
        return self._submit({**SHORT, "steps": steps}, **changes)

    def submit_endless(self, **changes: object) -> str:
        """A real job that does not end by itself during a test."""
        return self._submit(ENDLESS, **changes)

    def shorten(self, job_id: str) -> None:
        """Make the next attempt of an endless job short; the running one stays endless."""
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
            self.submitted.append(job.id)
            return job.id

    def job(self, job_id: str) -> JobRecord:
        """The current row."""
        with self.zoo.transaction() as session:
            return owned_rows.get(session, JobRecord, project=PROJECT, id=job_id)

    def model_of(self, job_id: str) -> ModelRecord:
        """The model that a job creates."""
        with self.zoo.transaction() as session:
            return session.get_one(ModelRecord, self.job(job_id).inputs["model_id"])

    def events(self, job_id: str) -> list[JobEventRecord]:
        """All events of a job."""
        with self.zoo.transaction() as session:
            return list(jobs.events_after(session, job_id=job_id, seq=0))

    def cancel(self, job_id: str) -> None:
        """Cancel a job as a client would."""
        with self.zoo.transaction() as session:
            jobs.cancel(session, project=PROJECT, job_id=job_id)

    def is_final(self, job_id: str) -> bool:
        """Whether the job has ended; False while the database is unreachable."""
        with contextlib.suppress(DBAPIError):
            return self.job(job_id).state in FINAL_STATES
        return False

    def ended(self, job_id: str) -> JobRecord:
        """The job once it has ended; it ended exactly once, and no event is missing."""
        eventually(lambda: self.is_final(job_id), facts=self._logs)
        job, events = self.job(job_id), self.events(job_id)
        assert [e.seq for e in events] == list(range(1, job.events + 1))
        assert [e.type for e in events if e.type in TERMINAL] == [job.state]
        assert events[-1].type == job.state
        return job

    def children(self) -> dict[str, psutil.Process]:
        """Running job processes by job id; a closed child shows its name alone."""
        ids = {process_name(job_id): job_id for job_id in self.submitted}
        processes = psutil.process_iter(["name"])
        return {ids[p.info["name"]]: p for p in processes if p.info["name"] in ids}

    def child_of(self, job_id: str) -> psutil.Process:
        """The process that runs a job."""
        eventually(lambda: job_id in self.children(), facts=self._logs)
        return self.children()[job_id]

    def running(self, job_id: str) -> None:
        """Return once the job has reported progress."""
        eventually(lambda: bool(self.job(job_id).progress), facts=self._logs)

    def end_lease(self, job_id: str, *, seconds: float = 0.0) -> datetime:
        """The new end of a silent worker's lease, by the database's clock."""
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
        return "\n".join(process.log.read_text()[-2000:] for process in self.processes.started)

    def start_workers(self, count: int) -> None:
        """Start workers until ``count`` run."""
        while len(self.workers) < count:
            self.workers.append(self.processes.worker())

    def holder(self, job_id: str) -> Process:
        """The worker that holds a job."""
        pid = int((self.job(job_id).worker or "").rpartition(":")[2])
        return next(worker for worker in self.workers if worker.pid == pid)

    def stop_worker(self, worker: Process, number: signal.Signals = signal.SIGKILL) -> None:
        """Stop a worker and wait until all its processes have ended."""
        descendants = worker.descendants()
        worker.send(number)
        worker.process.wait(timeout=HANG_SECONDS)
        self.workers.remove(worker)
        _, orphans = psutil.wait_procs(descendants, timeout=HANG_SECONDS)
        assert not orphans, f"orphans: {orphans}"

    def freeze(self, worker: Process) -> None:
        """Freeze a worker between two transactions, so that it holds no lock while frozen."""

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
        # Postgres treats SIGQUIT as an immediate shutdown, without a checkpoint.
        os.kill(self.postgres.pid, signal.SIGQUIT)
        eventually(lambda: not self.postgres.is_running())
        self.postgres.restart()


@contextlib.contextmanager
def running_cluster(**settings: str) -> Iterator[TestCluster]:
    """Redis, a scheduler and a worker on a Postgres of their own, and a dataset; all end with the block."""
    # Not below pytest's own folder: the database runs as another user, who must reach it.
    with (
        TemporaryDirectory(prefix="zoo-cluster-") as name,
        PrivatePostgres(Path(name) / "postgres") as postgres,
    ):
        folder = Path(name)
        postgres.create_database("zooscope")
        with zoo_processes(folder / "processes", postgres.url(), **settings) as processes:
            zoo = zoo_from(
                Settings(home=folder / "processes" / "home", database_url=postgres.url())
            )
            migrate(zoo.engine)
            cluster = TestCluster(zoo, processes, postgres)
            cluster.bootstrap()
            yield cluster
        zoo.close()
