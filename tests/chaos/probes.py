"""What a zoo at rest must do: both APIs answer, and workers read both queues of Redis."""

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from functools import partial

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc
from redis import Redis

from service.embedded.components import ComponentName
from tests.chaos.cluster import Chaos
from tests.chaos.messages import KINDS, NOISE, NOTIFICATIONS, PREDICT_REQUESTS
from tests.waiting import POLL_SECONDS

ANSWER_SECONDS = 60.0
"""A service that is silent for so long does not work; a busy machine is no reason."""

_PATHS = ("/readyz", "/v1/jobs")


def _rest(chaos: Chaos) -> bool:
    """Whether REST is ready and lists jobs."""
    with contextlib.suppress(httpx.TransportError):
        answers = [chaos.client.get(path, timeout=ANSWER_SECONDS) for path in _PATHS]
        return all(answer.status_code == 200 for answer in answers)
    return False


def _rpc(chaos: Chaos) -> bool:
    """Whether gRPC reports that it serves."""
    with (
        grpc.insecure_channel(chaos.grpc_address) as channel,
        contextlib.suppress(grpc.RpcError),
    ):
        request = health_pb2.HealthCheckRequest()
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=ANSWER_SECONDS)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
    return False


def _reads(queue: str, chaos: Chaos) -> bool:
    """Whether every worker soon drops some of the noise that is pushed into a queue."""
    before = _drops(queue, chaos)
    give_up = time.monotonic() + ANSWER_SECONDS
    with Redis(unix_socket_path=str(chaos.cluster.processes.socket)) as redis:
        while time.monotonic() < give_up:
            redis.lpush(queue, NOISE)
            time.sleep(POLL_SECONDS)
            after = _drops(queue, chaos)
            if after.keys() == before.keys() and all(after[key] > before[key] for key in after):
                return True
    return False


def _drops(queue: str, chaos: Chaos) -> dict[str, int]:
    """How many malformed messages of a queue each running worker has logged."""
    line = re.compile(rf"dropped a malformed message.*\b{KINDS[queue].value}\b")
    workers = chaos.alive(ComponentName.WORKER)
    return {key: len(line.findall(chaos.parts[key].log.read_text())) for key in workers}


PROBES: Mapping[str, Callable[[Chaos], bool]] = {
    "REST": _rest,
    "gRPC": _rpc,
    "notifications": partial(_reads, NOTIFICATIONS),
    "predict requests": partial(_reads, PREDICT_REQUESTS),
}


def silent_services(chaos: Chaos) -> list[str]:
    """The names of the services that do not do their work."""
    return [name for name, works in PROBES.items() if not works(chaos)]
