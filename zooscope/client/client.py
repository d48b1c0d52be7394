"""The zoo, as a Python program talks to it."""

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
from zooscope.client.transport import OnConnect, Patience, Transport

LOCAL_URL = "http://127.0.0.1:8080"


class ZooClient:
    """A zoo behind an address, with the verbs of the command line.

    ::

        with ZooClient(key="zoo_…") as zoo:
            model = zoo.models.push(Path("fox.pt2"), {"name": "fox", …})
            ranking = zoo.rank(model=model["id"], probes="dst_…")

    May be used by several threads at once. Every method raises ZooClientError when the zoo
    refuses, and UnreachableError when it stays silent. ``on_connect`` is given every new connection
    before the key or anything else is sent over it, and raises to refuse it.
    """

    def __init__(
        self,
        url: str = LOCAL_URL,
        *,
        key: str | None = None,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        timeout_seconds: float = 60.0,
        on_connect: OnConnect | None = None,
    ) -> None:
        self._transport = Transport(
            url,
            key=key,
            patience=patience,
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
        """The networks of the zoo, ordered for a target: a ``model`` or a ``dataset``.

        What is asked for is described in detail by
        ``ranking_request``; ``on_progress`` is told how far the measuring is. With ``wait`` False
        the answer comes at once and may be pending; it goes on in the zoo, as it does when
        ``timeout_seconds`` have passed.
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
