"""The client class."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from zooscope.client.accuracies import Accuracies
from zooscope.client.attributions import Attributions
from zooscope.client.datasets import Datasets
from zooscope.client.jobs import Jobs, Methods
from zooscope.client.keys import Keys
from zooscope.client.layers import Layers
from zooscope.client.maps import Maps
from zooscope.client.models import Models
from zooscope.client.rankings import (
    OnJobProgress,
    Protocol,
    RankingMetric,
    Rankings,
    ranking_request,
)
from zooscope.client.results import Ranking
from zooscope.client.transport import OnConnect, RetryPolicy, Transport

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
        on_connect: Called with every new connection before the key or anything else is sent over
            it; raises to refuse the connection.

    Attributes:
        models: Networks: upload, list, change, download, predict.
        datasets: Datasets of images: upload, list, delete.
        rankings: Rankings of networks for a target; ``rank`` requests one and waits for it.
        layers: Layer selections: which layer of a network to build on.
        maps: Maps of how all networks relate on a probe set.
        attributions: Heat maps of several networks on several images.
        accuracies: Measured accuracies that fused rankings learn from.
        jobs: Jobs: submit, list, watch, cancel, retry, download results.
        methods: The methods that jobs can run.
        keys: API keys, for administrators.
    """

    def __init__(
        self,
        url: str = LOCAL_URL,
        *,
        key: str | None = None,
        retry_policy: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        timeout_seconds: float = 60.0,
        on_connect: OnConnect | None = None,
    ) -> None:
        self._transport = Transport(
            url,
            key=key,
            retry_policy=retry_policy,
            timeout_seconds=timeout_seconds,
            on_connect=on_connect,
        )
        self.models = Models(self._transport)
        self.datasets = Datasets(self._transport)
        self.attributions = Attributions(self._transport)
        self.rankings = Rankings(self._transport)
        self.layers = Layers(self._transport)
        self.maps = Maps(self._transport)
        self.accuracies = Accuracies(self._transport)
        self.jobs = Jobs(self._transport)
        self.methods = Methods(self._transport)
        self.keys = Keys(self._transport)

    def rank(
        self,
        *,
        probes: str | None = None,
        model: str | None = None,
        dataset: str | None = None,
        candidates: Sequence[str] | Mapping[str, str] | None = None,
        metric: RankingMetric = "depara",
        edge_weight: float | None = None,
        settings: Mapping[str, Any] | None = None,
        estimators: Literal["measure", "known"] | None = None,
        protocol: Protocol | None = None,
        wait: bool = True,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> Ranking:
        """Rank the networks of the zoo for a target: a ``model`` or a ``dataset``.

        Args:
            probes: Id of the dataset whose images all networks process; optional if the target is
                a dataset.
            model: Id of the target, if it is a network of the zoo.
            dataset: Id of the target, if it is a dataset. ``depara`` and ``attribution`` first
                train a small network on it; estimators use its labels, ``fused`` all evidence.
            candidates: Ids of networks, or a filter such as ``{"task": "segmentation"}``; None
                means all networks.
            metric: ``depara``, ``depara_plus`` or ``attribution``; an estimator such as ``logme``;
                or ``fused``.
            edge_weight: λ in node similarity + λ · edge similarity; None means the zoo's default.
            settings: Parameters of the measurement, those of the method ``depara``.
            estimators: Whether ``fused`` measures missing estimators or uses only known ones.
            protocol: Restricts the accuracy history to this protocol.
            wait: False returns immediately; the ranking may be pending.
            on_progress: Called with the progress of the measurement.
            timeout_seconds: Longest wait; the ranking continues in the zoo after it.

        Returns:
            The ranking, best network first.

        Raises:
            ZooClientError: ``bad_target``, ``timed_out``, or the code of the failed ranking.
        """
        body = ranking_request(
            probes=probes,
            model=model,
            dataset=dataset,
            candidates=candidates,
            metric=metric,
            edge_weight=edge_weight,
            settings=settings,
            estimators=estimators,
            protocol=protocol,
        )
        ranking = self.rankings.request(body)
        if not wait:
            return ranking
        return self.rankings.wait(
            ranking, on_progress=on_progress, timeout_seconds=timeout_seconds
        )

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
