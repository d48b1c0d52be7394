"""Which output units of the zoo recognize something, as a client asks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from zooscope.client.paging import paged
from zooscope.client.polling import OnJobProgress, wait_while_pending
from zooscope.client.references import in_path
from zooscope.client.results import (
    ConceptSearch,
    ConceptSearchSummary,
    Job,
    SimilarUnits,
    Unit,
)
from zooscope.client.transport import Resource


class Concepts(Resource):
    """``zoo.concepts``: output units that recognize a concept, by images, by name, by likeness."""

    def search(
        self,
        dataset: str,
        *,
        probes: str,
        negatives: str | None = None,
        models: Sequence[str] | None = None,
        references: int | None = None,
        check: int | None = None,
        settings: Mapping[str, Any] | None = None,
        wait: bool = True,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> ConceptSearch:
        """Find output units that recognize what a dataset of 5 to 50 images shows.

        Args:
            dataset: The images of the concept, as all datasets and networks here by id or name.
            probes: The dataset to which the networks' responses are stored; ``measure`` stores them.
            negatives: Images of what the concept is not; None lets the probes stand for that.
            models: Networks to search; None searches all.
            references: Number of networks that relate the concept to the probes.
            check: Number of networks that run to check their best unit.
            settings: Settings of the estimate, as in the parameters of the method ``concept_search``.
            wait: False returns at once, with the state ``pending`` if the search is not done.
            on_progress: Called with the progress of the job.
            timeout_seconds: Longest wait in seconds; the search continues after it.

        Raises:
            ZooClientError: ``no_unit_responses``: no network has stored responses to the probes; or
                the search failed, with its code; or ``timed_out``.
        """
        body = {
            "dataset_id": dataset,
            "probe_set_id": probes,
            "negatives_id": negatives,
            "candidates": None if models is None else {"model_ids": list(models)},
            "references": references,
            "check": check,
            "settings": settings,
        }
        fields = {name: value for name, value in body.items() if value is not None}
        answer = self._transport.json("POST", "/concept-searches", body=fields)
        search = cast("ConceptSearch", answer)
        if not wait:
            return search
        return self.wait(search, on_progress=on_progress, timeout_seconds=timeout_seconds)

    def measure(self, model: str, *, probes: str) -> Job:
        """Submit the job that stores the responses of a network's output units to a probe set."""
        inputs = {"model_id": model, "dataset_id": probes}
        body = {"method": "unit_responses", "inputs": inputs}
        return cast("Job", self._transport.json("POST", "/jobs", body=body))

    def ls(
        self, *, state: str | None = None, limit: int | None = None
    ) -> Iterator[ConceptSearchSummary]:
        """List concept searches, newest first, without their units; ``limit`` None lists all."""
        return paged(self._transport, "/concept-searches", params={"state": state}, limit=limit)

    def show(self, search_id: str) -> ConceptSearch:
        """One search with the units that it found."""
        answer = self._transport.json("GET", f"/concept-searches/{search_id}")
        return cast("ConceptSearch", answer)

    def wait(
        self,
        search: ConceptSearch,
        *,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> ConceptSearch:
        """The search once it is ready.

        Raises:
            ZooClientError: It failed, with the code of the failure; or ``timed_out``.
        """
        return wait_while_pending(
            search,
            lambda pending: self.show(pending["id"]),
            on_progress=on_progress,
            timeout_seconds=timeout_seconds,
            name="concept search",
            command="zooscope concepts show",
        )

    def units(self, words: str, *, limit: int | None = None) -> Iterator[Unit]:
        """List output units whose class name contains all words; ``limit`` None lists all."""
        return paged(self._transport, "/units", params={"q": words}, limit=limit)

    def similar(self, model: str, unit: int, *, probes: str, k: int = 10) -> SimilarUnits:
        """The ``k`` output units that respond to a probe set most like one unit of a network."""
        path = f"/models/{in_path(self._transport, 'models', model)}/similar-units"
        query = {"unit": unit, "dataset": probes, "k": k}
        return cast("SimilarUnits", self._transport.json("GET", path, params=query))
