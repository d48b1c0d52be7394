"""A training asked for, watched, canceled and retried through each of the apis."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from google.protobuf.json_format import MessageToDict

from service.container import Zoo
from service.rpc.stubs.zoo.v1 import job_service_pb2 as wire
from service.rpc.stubs.zoo.v1.job_service_pb2_grpc import JobServiceStub
from tests.rest.served import client_of
from tests.rpc.channels import channel_to
from tests.waiting import HANG_SECONDS
from zooscope import ZooClient

METHOD = "knowledge_distillation"
STUDENT = {"architecture": "plain", "width": 4}
OFTEN = {"batch_size": 8, "num_evaluations": 1000, "checkpoint_interval_seconds": 0}
BUDGET = {"steps": 20_000}
Event = dict[str, Any]


@dataclass(frozen=True)
class ServedZoo:
    """A zoo with a worker at work, and where its apis are."""

    zoo: Zoo
    token: str
    rest: str
    rpc: str


class OverRest:
    """HTTP as it is."""

    def __init__(self, served_zoo: ServedZoo) -> None:
        self._client = client_of(served_zoo.rest, served_zoo.token)
        self.close = self._client.close

    def submit(self, seed: int) -> str:
        flat = {"teachers": ["mdl_0"], "dataset_id": "dst_1", "seed": seed, "device": "cpu"}
        body = {"method": METHOD, **flat, "student": STUDENT, "params": OFTEN, "budget": BUDGET}
        return self._json(self._client.post("/v1/jobs", json=body))["id"]

    def watch(self, job_id: str, after: int) -> Iterator[Event]:
        path, headers = f"/v1/jobs/{job_id}/events", {"Last-Event-ID": str(after)}
        with self._client.stream("GET", path, headers=headers) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])

    def cancel(self, job_id: str) -> None:
        self._json(self._client.post(f"/v1/jobs/{job_id}:cancel"))

    def retry(self, job_id: str) -> None:
        self._json(self._client.post(f"/v1/jobs/{job_id}:retry"))

    def _json(self, answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


class OverRpc:
    """gRPC as it is."""

    def __init__(self, served_zoo: ServedZoo) -> None:
        channel = channel_to(served_zoo.rpc, served_zoo.token)
        self._jobs = JobServiceStub(channel)
        self.close = channel.close

    def submit(self, seed: int) -> str:
        asked = wire.SubmitJobRequest(
            method=METHOD, teachers=["mdl_0"], dataset_id="dst_1", seed=seed, device="cpu"
        )
        asked.student.update(STUDENT)
        asked.params.update(OFTEN)
        asked.budget.update(BUDGET)
        return self._jobs.SubmitJob(asked).job.id

    def watch(self, job_id: str, after: int) -> Iterator[Event]:
        asked = wire.WatchJobRequest(id=job_id, after_seq=after)
        for answer in self._jobs.WatchJob(asked, timeout=HANG_SECONDS):
            # A 64-bit integer travels as text in JSON.
            yield MessageToDict(answer.event) | {"seq": answer.event.seq}

    def cancel(self, job_id: str) -> None:
        self._jobs.CancelJob(wire.CancelJobRequest(id=job_id))

    def retry(self, job_id: str) -> None:
        self._jobs.RetryJob(wire.RetryJobRequest(id=job_id))


class OverClient:
    """The Python client."""

    def __init__(self, served_zoo: ServedZoo) -> None:
        self._zoo = ZooClient(served_zoo.rest, key=served_zoo.token)
        self.close = self._zoo.close

    def submit(self, seed: int) -> str:
        job = self._zoo.jobs.submit(
            METHOD,
            teachers=["mdl_0"],
            dataset_id="dst_1",
            student=STUDENT,
            params=OFTEN,
            seed=seed,
            device="cpu",
            budget=BUDGET,
        )
        return job["id"]

    def watch(self, job_id: str, after: int) -> Iterator[Event]:
        yield from self._zoo.jobs.watch(job_id, after=after)

    def cancel(self, job_id: str) -> None:
        self._zoo.jobs.cancel(job_id)

    def retry(self, job_id: str) -> None:
        self._zoo.jobs.retry(job_id)


class OverShell:
    """The command line, as JSON."""

    def __init__(self, served_zoo: ServedZoo) -> None:
        self._environment = {"ZOO_URL": served_zoo.rest, "ZOO_KEY": served_zoo.token}
        self._command = [sys.executable, "-m", "zooscope.cli.main", "jobs"]

    def close(self) -> None:
        """Nothing stays open between commands."""

    def submit(self, seed: int) -> str:
        student = [f"--student={name}={value}" for name, value in STUDENT.items()]
        often = [f"--set={name}={value}" for name, value in OFTEN.items()]
        config = ["--seed", str(seed), "--device", "cpu", "--budget", str(BUDGET["steps"])]
        words = ["--teacher", "mdl_0", "--dataset", "dst_1", *student, *often, *config]
        return json.loads(self._output("submit", METHOD, *words))["id"]

    def watch(self, job_id: str, after: int) -> Iterator[Event]:
        words = [*self._command, "watch", job_id, "--after", str(after), "--json"]
        with subprocess.Popen(
            words, env=self._environment, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            yield from map(json.loads, running.stdout)

    def cancel(self, job_id: str) -> None:
        self._output("cancel", job_id)

    def retry(self, job_id: str) -> None:
        self._output("retry", job_id)

    def _output(self, *words: str) -> str:
        command = [*self._command, *words, "--json"]
        return subprocess.run(
            command, env=self._environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
