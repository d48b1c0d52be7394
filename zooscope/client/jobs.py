"""Client of the jobs and the method catalog."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, cast

from zooscope.client.downloads import download
from zooscope.client.events import job_events
from zooscope.client.paging import ListCounts, counted, paged
from zooscope.client.polling import wait_until_final
from zooscope.client.results import Artifact, Job, JobEvent
from zooscope.client.transport import Resource
from zooscope.client.uploads import OnProgress, ignore_progress

JobSort = Literal["created_at", "-created_at", "method", "-method", "state", "-state"]


class JobFilters(TypedDict, total=False):
    """Which jobs to list; a filter that is absent or None does not restrict.

    Attributes:
        q: Words that the id, method, inputs or error contain.
        state: State, such as ``running``.
        method: Name of a method.
    """

    q: str | None
    state: str | None
    method: str | None


class Jobs(Resource):
    """``zoo.jobs``: submit, list, watch, cancel and retry jobs, and download their results."""

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
        """Submit a job that runs a method; ``zoo.methods.show(method)`` describes what it accepts.

        Args:
            method: Name of the method.
            inputs: Inputs that no argument below sets.
            params: Parameters that no argument below sets; the rest take their defaults.
            teachers: Ids of the networks to learn from.
            source_model_id: Id of the network to start from, for ``fine_tune`` and
                ``linear_probe``.
            dataset_id: Id of the dataset to train on.
            eval_dataset_id: Id of the labeled dataset for evaluation.
            student: The network to train: ``architecture``, ``width``, ``labels`` and more.
            seed: Seed of all random numbers.
            device: Device to run on.
            budget: Length of the training: ``{"steps": 1000}`` or ``{"seconds": 60}``.

        Returns:
            The queued job.

        Raises:
            ZooClientError: ``invalid_params`` or ``invalid_inputs``, with the invalid ``errors``.
        """
        fields = {
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
        body = {name: value for name, value in fields.items() if value is not None}
        return cast("Job", self._transport.json("POST", "/jobs", body=body))

    def show(self, job_id: str) -> Job:
        """Get a job. Raises ZooClientError ``job_not_found``."""
        return cast("Job", self._transport.json("GET", f"/jobs/{job_id}"))

    def ls(
        self,
        *,
        sort: JobSort | None = None,
        limit: int | None = None,
        **filters: Unpack[JobFilters],
    ) -> Iterator[Job]:
        """List jobs, newest first.

        Args:
            sort: Field to sort by, with ``-`` for the largest first; None means ``-created_at``.
            limit: Maximum number of jobs; None lists all.
            filters: Which jobs to list.
        """
        return paged(self._transport, "/jobs", params={**filters, "sort": sort}, limit=limit)

    def counts(self, **filters: Unpack[JobFilters]) -> ListCounts:
        """The number of jobs, in total and by state and method."""
        return counted(self._transport, "/jobs", params=filters)

    def watch(self, job_id: str, *, after: int = 0) -> Iterator[JobEvent]:
        """The events of a job after event ``after``, until it has finished; survives broken connections."""
        return job_events(self._transport, job_id, after=after)

    def wait(self, job_id: str, *, timeout_seconds: float = 3600.0) -> Job:
        """Wait until the job has finished, successfully or not.

        Raises:
            ZooClientError: ``timed_out``; the job continues.
        """
        return wait_until_final(lambda: self.show(job_id), timeout_seconds=timeout_seconds)

    def cancel(self, job_id: str) -> Job:
        """Cancel a job: a queued one immediately, a running one within seconds; keeps its checkpoint."""
        return cast("Job", self._transport.json("POST", f"/jobs/{job_id}:cancel"))

    def retry(self, job_id: str) -> Job:
        """Retry a failed or cancelled job; a training resumes from its last checkpoint."""
        return cast("Job", self._transport.json("POST", f"/jobs/{job_id}:retry"))

    def artifacts(self, job_id: str) -> list[Artifact]:
        """The files that the job produced."""
        answer = self._transport.json("GET", f"/jobs/{job_id}/artifacts")
        return cast("list[Artifact]", answer["items"])

    def download(
        self, artifact_id: str, destination: Path, *, on_progress: OnProgress = ignore_progress
    ) -> Path:
        """Download an artifact to ``destination``."""
        path = f"/artifacts/{artifact_id}/content"
        return download(self._transport, path, destination, on_progress=on_progress)


class Methods(Resource):
    """``zoo.methods``: the catalog of methods that jobs can run."""

    def ls(self) -> list[Any]:
        """List the methods that you can submit."""
        return cast("list[Any]", self._transport.json("GET", "/methods")["items"])

    def show(self, name: str) -> Any:
        """Get a method with the JSON schemas of its inputs and parameters."""
        return self._transport.json("GET", f"/methods/{name}")
