"""Runs of methods, as a client handles them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from service.client.downloading import download
from service.client.events import job_events
from service.client.paging import every
from service.client.transport import Transport
from service.client.uploading import OnProgress, ignore_progress
from service.client.views import Artifact, Job, JobEvent
from service.client.waiting import settled


class Jobs:
    """``zoo.jobs``: submit, look, watch, cancel, try again, fetch results."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
        self, method: str, *, inputs: Mapping[str, Any], params: Mapping[str, Any] | None = None
    ) -> Job:
        """Run a method; inputs and parameters are described by ``zoo.methods.show(method)``."""
        body = {"method": method, "inputs": dict(inputs), "params": dict(params or {})}
        return cast("Job", self._transport.json("POST", "/jobs", body=body))

    def show(self, job_id: str) -> Job:
        """One job."""
        return cast("Job", self._transport.json("GET", f"/jobs/{job_id}"))

    def ls(
        self, *, state: str | None = None, method: str | None = None, limit: int | None = None
    ) -> Iterator[Job]:
        """Jobs that fit, newest first."""
        where = {"state": state, "method": method}
        return every(self._transport, "/jobs", params=where, limit=limit)

    def watch(self, job_id: str, *, after: int = 0) -> Iterator[JobEvent]:
        """What happens to the job, from behind event ``after``, until it is final."""
        return job_events(self._transport, job_id, after=after)

    def wait(self, job_id: str, *, timeout_seconds: float = 3600.0) -> Job:
        """The job once it is final."""
        return settled(lambda: self.show(job_id), timeout_seconds=timeout_seconds)

    def cancel(self, job_id: str) -> Job:
        """Cancel a queued job, or ask a running one to stop."""
        return cast("Job", self._transport.json("POST", f"/jobs/{job_id}:cancel"))

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again."""
        return cast("Job", self._transport.json("POST", f"/jobs/{job_id}:retry"))

    def artifacts(self, job_id: str) -> list[Artifact]:
        """The files the job produced."""
        answer = self._transport.json("GET", f"/jobs/{job_id}/artifacts")
        return cast("list[Artifact]", answer["items"])

    def download(
        self, artifact_id: str, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Lay one of the files at ``destination``."""
        path = f"/artifacts/{artifact_id}/content"
        return download(self._transport, path, destination, on_progress=on_progress)


class Methods:
    """``zoo.methods``: the catalogue of what jobs can run."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def ls(self) -> list[Any]:
        """Every method that can be submitted."""
        return cast("list[Any]", self._transport.json("GET", "/methods")["items"])

    def show(self, name: str) -> Any:
        """One method, with the JSON schemas of what it takes."""
        return self._transport.json("GET", f"/methods/{name}")
