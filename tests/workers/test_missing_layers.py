"""A sandbox layer that is missing at run time is logged, counted and reported, never silent."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.adapters.worker_registry import (
    MemoryLimit,
    MessageKind,
    WorkerFacts,
    WorkerRegistry,
)
from service.container import Zoo, zoo_from
from service.core.operations.jobs import jobs, lifecycle
from service.embedded.redis import PrivateRedis
from service.rest.metrics import Metrics
from service.settings import Settings
from tests.jobs.builders import a_job
from tests.waiting import HANG_SECONDS
from workers.isolation.sandbox import SandboxLayer
from zooscope.cli import doctor
from zooscope.cli.doctor import CheckStatus, Finding

ROOT = Path(__file__).parents[2]
REASON = "the kernel is too old"
# The processes below this one meet a kernel without landlock.
WITHOUT_LANDLOCK = """
import json, sys
from pathlib import Path
from workers.isolation import sandbox, seccomp
from workers.isolation.fork_client import ForkServerClient

seccomp._REFUSED.clear()
seccomp._SIGNALS.clear()
seccomp._OWN_PROCESS.clear()
seccomp._REFUSED["landlock_create_ruleset"] = (444, 444)
machine = __import__("platform").machine()
architecture = seccomp._ARCHITECTURES[machine]
seccomp._ARCHITECTURES[machine] = seccomp._Architecture(
    architecture.audit, architecture.column, clone=0xFFFF, clone3=0xFFFE
)
sandbox._prctl(38, 1)
seccomp.restrict()
fork_server = ForkServerClient(Path(sys.argv[1]))
fork_server.warm_up()
fork_server.close()
print(json.dumps(dict(fork_server.missing_layers)))
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    with PrivateRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def registry(redis: PrivateRedis) -> Iterator[WorkerRegistry]:
    registry = WorkerRegistry.at(redis.url)
    registry._redis.flushall()
    yield registry
    registry.close()


@pytest.fixture
def zoo(zoo_settings: Settings, redis: PrivateRedis) -> Iterator[Zoo]:
    zoo = zoo_from(zoo_settings.model_copy(update={"redis_url": SecretStr(redis.url)}))
    yield zoo
    zoo.close()


def test_a_fork_server_reports_and_logs_the_layer_that_its_children_lack(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LANDLOCK, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    *logged, missing = done.stdout.splitlines()
    assert list(json.loads(missing)) == [SandboxLayer.LANDLOCK]
    assert "\n".join([*logged, done.stderr]).count("jobs run without sandbox layers") == 1


def test_metrics_count_missing_layers_by_worker_and_dropped_messages(
    zoo: Zoo, registry: WorkerRegistry
):
    registry.announce(WorkerFacts("a:1", {SandboxLayer.LANDLOCK: REASON}))
    registry.announce(WorkerFacts("b:2", {}, MemoryLimit.CONTROL_GROUP))
    registry.count_dropped(MessageKind.NOTIFICATION, reason="noise")

    text = Metrics(zoo).text().decode()

    assert 'zooscope_worker_missing_sandbox_layers{worker="a:1"} 1.0' in text
    assert 'zooscope_worker_missing_sandbox_layers{worker="b:2"} 0.0' in text
    assert 'zooscope_worker_control_groups{worker="a:1"} 0.0' in text
    assert 'zooscope_worker_control_groups{worker="b:2"} 1.0' in text
    assert 'zooscope_dropped_messages_total{kind="notification"} 1.0' in text


def test_reports_that_are_malformed_are_ignored(registry: WorkerRegistry):
    for number, junk in enumerate((b"\xff", b"7", b"{}", b'{"name": 1, "missing_layers": []}')):
        registry._redis.set(f"zoo:workers:{number}", junk)
    registry._redis.hset("zoo:dropped", "notification", "many")

    assert registry.workers() == []
    assert registry.dropped() == {}


@pytest.mark.parametrize(
    ("require_sandbox", "status"), [(False, CheckStatus.WARNING), (True, CheckStatus.WRONG)]
)
def test_doctor_names_the_workers_that_lack_a_layer(
    redis: PrivateRedis,
    registry: WorkerRegistry,
    require_sandbox: bool,  # noqa: FBT001
    status: CheckStatus,
):
    registry.announce(WorkerFacts("a:1", {SandboxLayer.LANDLOCK: REASON}))
    registry.announce(WorkerFacts("b:2", {}, MemoryLimit.OWN_DATA))

    settings = Settings(redis_url=SecretStr(redis.url), require_sandbox=require_sandbox)

    assert list(doctor._workers(settings)) == [
        Finding("worker a:1", "lacks sandbox layers: file system (landlock)", status),
        Finding(
            "worker b:2",
            "has every sandbox layer; memory limited by the data of each process (no control group"
            " is delegated)",
        ),
    ]


def test_the_event_of_a_start_names_the_layers_that_the_worker_lacks(zoo: Zoo):
    with zoo.transaction() as session:
        job_id = a_job(session).id

    with zoo.transaction() as session:
        lifecycle.claim(
            session,
            worker="a:1",
            queues=["cpu"],
            lease_seconds=30,
            running_seconds=30,
            missing_layers=[SandboxLayer.LANDLOCK],
        )

    with zoo.transaction() as session:
        started = jobs.events_after(session, job_id=job_id, seq=0)[-1]
        assert started.type == "started"
        assert started.data["missing_sandbox_layers"] == ["file system (landlock)"]
