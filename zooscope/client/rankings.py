"""Client of the rankings: which network to start from."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, cast

from zooscope.client.errors import ZooClientError
from zooscope.client.polling import OnJobProgress, wait_while_pending
from zooscope.client.results import Ranking
from zooscope.client.transport import Resource

Metric = Literal["depara", "depara_plus", "attribution"]
RankingMetric = Literal[
    "depara",
    "depara_plus",
    "attribution",
    "fused",
    "logme",
    "h_score",
    "leep",
    "nce",
    "n_leep",
    "trans_rate",
    "parc",
    "linear_cka",
    "rsa",
    "gbc",
    "knn",
    "ridge_probe",
    "linear_probe",
]
Protocol = Literal["fine_tune", "linear_probe", "zero_shot", "other"]


class Rankings(Resource):
    """``zoo.rankings``: request rankings, get them and wait for them."""

    def request(self, body: Mapping[str, Any]) -> Ranking:
        """Request a ranking with the body of the REST API; it may be pending at first."""
        return cast("Ranking", self._transport.json("POST", "/rankings", body=body))

    def show(self, ranking_id: str, *, edge_weight: float | None = None) -> Ranking:
        """Get a ranking; ``edge_weight`` reweights its edges, None keeps the requested weight."""
        params = {"edge_weight": edge_weight}
        answer = self._transport.json("GET", f"/rankings/{ranking_id}", params=params)
        return cast("Ranking", answer)

    def wait(
        self,
        ranking: Ranking,
        *,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> Ranking:
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
    metric: RankingMetric = "depara",
    edge_weight: float | None = None,
    settings: Mapping[str, Any] | None = None,
    estimators: Literal["measure", "known"] | None = None,
    protocol: Protocol | None = None,
) -> dict[str, Any]:
    """The request body of a ranking; see ``ZooClient.rank``.

    Args:
        probes: Id of the dataset whose images all networks process; optional if the target is a
            dataset.
        model: Id of the target, if it is a network of the zoo.
        dataset: Id of the target, if it is a dataset. ``depara`` and ``attribution`` first train a
            small network on it; estimators use its labels, ``fused`` all evidence.
        candidates: Ids of networks, or a filter such as ``{"task": "segmentation"}``; None means
            all networks.
        metric: ``depara``, ``depara_plus`` or ``attribution``; an estimator such as ``logme``; or
            ``fused``.
        edge_weight: λ in node similarity + λ · edge similarity; None means the zoo's default.
        settings: Parameters of the measurement, those of the method ``depara``.
        estimators: Whether ``fused`` measures missing estimators or uses only known ones.
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
