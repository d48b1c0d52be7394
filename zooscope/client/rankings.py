"""Client of the rankings: which network to start from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypedDict, cast

from zooscope.client.errors import ZooClientError
from zooscope.client.paging import paged
from zooscope.client.polling import OnJobProgress, wait_while_pending
from zooscope.client.ranking_table import RankingTable
from zooscope.client.results import RankingEstimate, RankingSummary
from zooscope.client.transport import Resource

Metric = Literal["depara", "depara_plus", "attribution", "rsa", "dds", "linear_cka"]
RankingMetric = Literal[
    "auto",
    "depara",
    "depara_plus",
    "attribution",
    "rsa",
    "dds",
    "linear_cka",
    "labels",
    "fused",
    "labels_and_history",
    "logme",
    "h_score",
    "leep",
    "nce",
    "n_leep",
    "trans_rate",
    "parc",
    "gbc",
    "knn",
    "ridge_probe",
    "linear_probe",
]
Protocol = Literal["fine_tune", "linear_probe", "zero_shot", "other"]


class Rankings(Resource):
    """``zoo.rankings``: request rankings, get them and wait for them."""

    def request(self, body: Mapping[str, Any]) -> RankingTable:
        """Request a ranking with the body of the REST API; it may be pending at first."""
        return RankingTable(self._transport.json("POST", "/rankings", body=body))

    def estimate(self, body: Mapping[str, Any]) -> RankingEstimate:
        """Estimate how long a ranking with this body would take; nothing is started."""
        answer = self._transport.json("POST", "/rankings:estimate", body=body)
        return cast("RankingEstimate", answer)

    def ls(
        self,
        *,
        state: str | None = None,
        metric: RankingMetric | None = None,
        limit: int | None = None,
    ) -> Iterator[RankingSummary]:
        """List rankings, newest first, without their scores; ``limit`` None lists all."""
        query = {"state": state, "metric": metric}
        return paged(self._transport, "/rankings", params=query, limit=limit)

    def show(
        self, ranking_id: str, *, edge_weight: float | None = None, limit: int | None = None
    ) -> RankingTable:
        """Get a ranking.

        Args:
            ranking_id: Id of the ranking.
            edge_weight: λ that reweights its edges; None keeps the requested weight.
            limit: Most entries of each list; None means all.
        """
        params = {"edge_weight": edge_weight, "limit": limit}
        answer = self._transport.json("GET", f"/rankings/{ranking_id}", params=params)
        return RankingTable(answer)

    def wait(
        self,
        ranking: RankingTable,
        *,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> RankingTable:
        """Wait until the ranking is ready; call ``on_progress`` while it is pending.

        Raises:
            ZooClientError: The code of the failed ranking; or ``timed_out``.
        """
        return wait_while_pending(
            ranking,
            lambda pending: self.show(pending["id"]),
            on_progress=on_progress,
            timeout_seconds=timeout_seconds,
            name="ranking",
            command="zooscope rankings show",
        )


class RankingOptions(TypedDict, total=False):
    """The options of a ranking; ``ranking_request`` describes them."""

    probes: str | None
    model: str | None
    dataset: str | None
    candidates: Sequence[str] | Mapping[str, str] | None
    metric: RankingMetric
    edge_weight: float | None
    settings: Mapping[str, Any] | None
    estimators: Literal["measure", "known"] | None
    protocol: Protocol | None


def ranking_request(
    *,
    probes: str | None = None,
    model: str | None = None,
    dataset: str | None = None,
    candidates: Sequence[str] | Mapping[str, str] | None = None,
    metric: RankingMetric = "auto",
    edge_weight: float | None = None,
    settings: Mapping[str, Any] | None = None,
    estimators: Literal["measure", "known"] | None = None,
    protocol: Protocol | None = None,
) -> dict[str, Any]:
    """The request body of a ranking; see ``ZooClient.rank``.

    Args:
        probes: Id or name of the dataset whose images all networks process; optional if the target is a
            dataset.
        model: Id or name of the target, if it is a network of the zoo.
        dataset: Id or name of the target, if it is a dataset. ``attribution`` first trains a small
            network on it, and so does ``dds``; ``depara``, ``rsa``, ``linear_cka``, ``labels`` and
            estimators use its labels, ``fused`` all evidence.
        candidates: Ids or names of networks, or a filter such as ``{"task": "segmentation"}``; None means
            all networks.
        metric: ``auto`` takes the one that suits what is known of the target. Or ``depara``,
            ``depara_plus``, ``attribution``, ``rsa``, ``dds``, ``linear_cka``; ``labels`` or one estimator such as ``logme``;
            ``fused``; or ``labels_and_history``.
        edge_weight: λ in node similarity + λ · edge similarity; None means the zoo's default.
        settings: Parameters of the measurement, those of the method ``depara``.
        estimators: Whether ``fused`` and ``labels_and_history`` measure missing estimators or uses only known ones.
        protocol: Restricts the accuracy history to this protocol.

    Raises:
        ZooClientError: ``invalid_target``: not exactly one of ``model`` and ``dataset``.
    """
    body = {
        "target": target_of(model, dataset, name="ranking"),
        "probe_set_id": probes,
        "candidates": _candidates(candidates),
        "metric": metric,
        "edge_weight": edge_weight,
        "settings": settings,
        "estimators": estimators,
        "protocol": protocol,
    }
    return {name: value for name, value in body.items() if value is not None}


def _candidates(candidates: Sequence[str] | Mapping[str, str] | None) -> dict[str, Any] | None:
    if candidates is None:
        return None
    return (
        {"filter": dict(candidates)}
        if isinstance(candidates, Mapping)
        else {"model_ids": list(candidates)}
    )


def target_of(model: str | None, dataset: str | None, *, name: str) -> dict[str, str | None]:
    """The target in a request body. Raises ZooClientError ``invalid_target``."""
    if (model is None) == (dataset is None):
        raise ZooClientError(
            f"a {name} has one target: a model or a dataset",
            code="invalid_target",
            remedy="pass exactly one of the two",
        )
    return {"model_id": model} if model is not None else {"dataset_id": dataset}
