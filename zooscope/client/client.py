"""The client class."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self, Unpack

from zooscope.client.accuracies import Accuracies
from zooscope.client.attributions import Attributions
from zooscope.client.audit import Audit
from zooscope.client.concepts import Concepts
from zooscope.client.datasets import Datasets
from zooscope.client.events import project_events
from zooscope.client.jobs import Jobs, Methods
from zooscope.client.keys import Keys
from zooscope.client.layers import Layers
from zooscope.client.maps import Maps
from zooscope.client.models import Models
from zooscope.client.polling import OnJobProgress
from zooscope.client.quotas import Quotas
from zooscope.client.ranking_table import RankingTable
from zooscope.client.rankings import RankingOptions, Rankings, ranking_request
from zooscope.client.results import ProjectEvent
from zooscope.client.sessions import Sessions
from zooscope.client.transport import (
    DEFAULT_RETRY_POLICY,
    OnConnect,
    OnRetry,
    RetryPolicy,
    Transport,
    ignore_retry,
)

LOCAL_URL = "http://127.0.0.1:8080"


class ZooClient:
    """Client of one zoo, with the same verbs as the command line. Thread-safe.

    ::

        with ZooClient(key="zoo_…") as zoo:
            model = zoo.models.push(Path("fox.pt2"), {"name": "fox", …})
            ranking = zoo.rank(model=model["id"], probes="dst_…")

    Every method raises ZooClientError if the zoo refuses a request, and UnreachableError if the zoo
    does not answer. Close the client, or use it in a ``with`` statement.

    Args:
        url: Address of the zoo's REST API.
        key: API key; None sends no key.
        retry_policy: When and how often requests are retried.
        timeout_seconds: Longest wait for a connection or for the next bytes of a response.
        on_retry: Called with the reason and the pause before a request is repeated.
        on_connect: Called with every new connection before the key or anything else is sent over
            it; raises to refuse the connection.

    Attributes:
        models: Networks: upload, list, change, download, predict.
        datasets: Datasets of images: upload, list, delete.
        rankings: Rankings of networks for a target; ``rank`` requests one and waits for it.
        layers: Layer selections: which layer of a network to build on.
        concepts: Output units that recognize a concept: searched by images, name and likeness.
        maps: Maps of how all networks relate on a probe set.
        attributions: Heat maps of several networks on several images.
        accuracies: Measured accuracies that fused rankings learn from.
        jobs: Jobs: submit, list, watch, cancel, retry, download results.
        methods: The methods that jobs can run.
        keys: API keys, for administrators.
        audit: The audit log, for administrators.
        quotas: What a project may use, and what it uses.
        sessions: Links that sign a browser in, and whose key this is.
    """

    def __init__(
        self,
        url: str = LOCAL_URL,
        *,
        key: str | None = None,
        retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
        timeout_seconds: float = 60.0,
        on_retry: OnRetry = ignore_retry,
        on_connect: OnConnect | None = None,
    ) -> None:
        self._transport = Transport(
            url,
            key=key,
            retry_policy=retry_policy,
            timeout_seconds=timeout_seconds,
            on_connect=on_connect,
            on_retry=on_retry,
        )
        self.models = Models(self._transport)
        self.datasets = Datasets(self._transport)
        self.attributions = Attributions(self._transport)
        self.rankings = Rankings(self._transport)
        self.layers = Layers(self._transport)
        self.concepts = Concepts(self._transport)
        self.maps = Maps(self._transport)
        self.accuracies = Accuracies(self._transport)
        self.jobs = Jobs(self._transport)
        self.methods = Methods(self._transport)
        self.keys = Keys(self._transport)
        self.audit = Audit(self._transport)
        self.quotas = Quotas(self._transport)
        self.sessions = Sessions(self._transport)

    def rank(
        self,
        *,
        wait: bool = True,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
        **options: Unpack[RankingOptions],
    ) -> RankingTable:
        """Rank the networks of the zoo for a target: a ``model`` or a ``dataset``.

        Args:
            wait: False returns immediately; the ranking may be pending.
            on_progress: Called with the progress of the measurement.
            timeout_seconds: Longest wait; the ranking continues in the zoo after it.
            options: Target, candidates and metric: those of ``ranking_request``.

        Returns:
            The ranking, best network first.

        Raises:
            ZooClientError: ``invalid_target``, ``timed_out``, or the code of the failed ranking.
        """
        ranking = self.rankings.request(ranking_request(**options))
        if not wait:
            return ranking
        return self.rankings.wait(
            ranking, on_progress=on_progress, timeout_seconds=timeout_seconds
        )

    def events(self, *, after: str | None = None) -> Iterator[ProjectEvent]:
        """What changes in the project, as it happens; survives broken connections, and does not end.

        Args:
            after: ``id`` of the event to resume after; None means from now on. The zoo stores
                events for an hour.

        Raises:
            ZooClientError: ``events_expired``.
        """
        return project_events(self._transport, after=after)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
