"""Runs of methods, as a client handles them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from zooscope.client.downloads import download
from zooscope.client.events import job_events
from zooscope.client.paging import every
from zooscope.client.polling import settled
from zooscope.client.results import Artifact, Job, JobEvent
from zooscope.client.transport import Transport
from zooscope.client.uploads import OnProgress, ignore_progress


class Jobs:
    """``zoo.jobs``: submit, look, watch, cancel, try again, fetch results."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
        self,
        method: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        teachers: Sequence[str] | None = None,
        source_model_id: str | None = None,
        dataset_id: str | None = None,
        eval_dataset_id: str | None = None,
        student: Mapping[str, Any] | None = None,
        seed: int | None = None,
        device: Literal["auto", "cpu", "cuda"] | None = None,
        budget: Mapping[str, float] | None = None,
    ) -> Job:
        """Run a method, as ``zoo.methods.show(method)`` describes it.

        Args:
            method: Its name.
            inputs: What it refers to, where no argument below says it.
            params: Its knobs, likewise; what is left out takes the method's default.
            teachers: Networks to learn from.
            source_model_id: Network to start from, for ``fine_tune`` and ``linear_probe``.
            dataset_id: Images to learn on.
            eval_dataset_id: Labeled images to evaluate on.
            student: The network to make: ``architecture``, ``width``, ``labels`` and more.
            seed: Of all random draws.
            device: Where it runs.
            budget: How long it lasts: ``{"steps": 1000}`` or ``{"seconds": 60}``.
        """
        said = {
            "method": method,
            "inputs": inputs,
            "params": params,
            "teachers": None if teachers is None else list(teachers),
            "source_model_id": source_model_id,
            "dataset_id": dataset_id,
            "eval_dataset_id": eval_dataset_id,
            "student": student,
            "seed": seed,
            "device": device,
            "budget": budget,
        }
        body = {name: value for name, value in said.items() if value is not None}
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
        """Cancel a queued job, or ask a running one to stop; its last checkpoint is kept."""
        return cast("Job", self._transport.json("POST", f"/jobs/{job_id}:cancel"))

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again; a training goes on from its last checkpoint."""
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
