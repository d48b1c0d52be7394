"""A database that hangs, alive but silent, makes requests fail in time, and only until it answers."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import httpx
import psutil
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from service.container import Zoo, zoo_from
from service.core.operations.access import keys
from service.database import unlimited
from service.embedded.postgres import PrivatePostgres
from service.migrate import migrate
from service.rpc.stubs.zoo.v1 import job_service_pb2, job_service_pb2_grpc
from service.settings import Settings
from tests.rest.served import client_of, serving
from tests.rpc.channels import channel_to, listening
from tests.waiting import HANG_SECONDS, eventually

CROWD = 60


@dataclass(frozen=True)
class Hanging:
    """A zoo, its client and the database that a test stops."""

    zoo: Zoo
    postgres: PrivatePostgres
    client: httpx.Client
    token: str

    def signal(self, number: signal.Signals) -> None:
        """Send every process of the server a signal; new ones cannot come from a stopped parent."""
        os.kill(self.postgres.pid, number)
        for process in psutil.Process(self.postgres.pid).children():
            process.send_signal(number)


def limited(postgres: PrivatePostgres, folder: Path, **limits: float) -> Settings:
    return Settings(home=folder / "home", database_url=postgres.url(), **limits)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def hanging() -> Iterator[Hanging]:
    """A zoo on a database of its own, which answers again after each test."""
    with (
        TemporaryDirectory(prefix="zoo-") as name,
        PrivatePostgres(Path(name) / "postgres") as postgres,
    ):
        postgres.create_database("zooscope")
        zoo = zoo_from(limited(postgres, Path(name), database_timeout_seconds=4), connections=20)
        migrate(zoo.engine)
        with zoo.transaction() as session:
            first = keys.issue_first(session)
        assert first is not None
        with serving(zoo) as url, client_of(url, first.token) as client:
            hanging = Hanging(zoo, postgres, client, first.token)
            yield hanging
            hanging.signal(signal.SIGCONT)
        zoo.close()


def test_requests_of_a_crowd_get_503_until_the_database_answers(hanging: Hanging):
    eventually(lambda: hanging.client.get("/v1/jobs").status_code == 200)
    hanging.signal(signal.SIGSTOP)

    with ThreadPoolExecutor(CROWD) as crowd:
        answers = list(crowd.map(hanging.client.get, ["/v1/jobs"] * CROWD))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (503, "database_unavailable")
    }
    assert all(answer.headers["Retry-After"] for answer in answers)
    assert hanging.client.get("/readyz").status_code == 503
    assert hanging.client.get("/healthz").json() == {"status": "ok"}
    hanging.signal(signal.SIGCONT)
    eventually(lambda: hanging.client.get("/readyz").status_code == 200)
    eventually(lambda: hanging.client.get("/v1/jobs").status_code == 200)


def test_rpcs_are_unavailable_and_health_says_so(hanging: Hanging):
    with listening(hanging.zoo) as address, channel_to(address, hanging.token) as channel:
        jobs = job_service_pb2_grpc.JobServiceStub(channel)
        health = health_pb2_grpc.HealthStub(channel)
        hanging.signal(signal.SIGSTOP)

        with pytest.raises(grpc.RpcError) as refused:
            jobs.ListJobs(job_service_pb2.ListJobsRequest(), timeout=HANG_SECONDS)
        ready, alive = (
            health.Check(health_pb2.HealthCheckRequest(service=name), timeout=HANG_SECONDS)
            for name in ("zoo.v1.JobService", "")
        )
        hanging.signal(signal.SIGCONT)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert (ready.status, alive.status) == (
        health_pb2.HealthCheckResponse.NOT_SERVING,
        health_pb2.HealthCheckResponse.SERVING,
    )


def test_one_stuck_session_ends_although_the_database_answers_others(
    postgres: PrivatePostgres, database_url: str, tmp_path: Path
):
    settings = Settings(
        home=tmp_path,
        database_url=database_url,  # type: ignore[arg-type]
        database_timeout_seconds=4,
        statement_timeout_seconds=3,
    )
    zoo = zoo_from(settings, connections=1)
    with zoo.engine.connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
        os.kill(pid, signal.SIGSTOP)

        with pytest.raises(OperationalError, match="does not answer"):
            connection.execute(text("SELECT 1"))

        os.kill(pid, signal.SIGCONT)
    zoo.close()


def test_the_server_ends_long_statements_and_long_waits_for_locks(
    database_url: str, tmp_path: Path
):
    settings = Settings(
        home=tmp_path,
        database_url=database_url,  # type: ignore[arg-type]
        statement_timeout_seconds=20,
        lock_timeout_seconds=0.1,
    )
    zoo = zoo_from(settings, connections=2)
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE jobs")

        with pytest.raises(OperationalError, match="lock timeout"), zoo.engine.connect() as waiter:
            waiter.execute(text("SELECT count(*) FROM jobs"))
    with zoo.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 100"))
        with pytest.raises(OperationalError, match="statement timeout"):
            connection.execute(text("SELECT pg_sleep(300)"))
    zoo.close()


def test_a_long_operation_has_no_limit_of_its_own(zoo: Zoo):
    with zoo.engine.begin() as connection, unlimited(connection):
        limits = connection.execute(
            text("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        ).one()

    with zoo.engine.connect() as connection:
        restored = connection.scalar(text("SHOW statement_timeout"))
    assert tuple(limits) == ("0", "0")
    assert restored == "1min"
