"""Client of the rankings: which network to start from."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from zooscope.client.errors import ZooClientError
from zooscope.client.results import JobProgress, Ranking
from zooscope.client.transport import Transport

OnJobProgress = Callable[[JobProgress], None]
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

_LOOK_AGAIN_SECONDS = 0.5


class Rankings:
    """``zoo.rankings``: request rankings, get them and wait for them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

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
        end = time.monotonic() + timeout_seconds
        while ranking["state"] == "pending":
            progress = ranking.get("progress")
            if on_progress is not None and progress is not None:
                on_progress(progress)
            if time.monotonic() > end:
                raise _timed_out(ranking, timeout_seconds)
            time.sleep(_LOOK_AGAIN_SECONDS)
            ranking = self.show(ranking["id"])
        if ranking["state"] == "failed":
            raise _failed(ranking)
        return ranking


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
        dataset: Id of the target, if it is a dataset.
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
    if (model is None) == (dataset is None):
        raise ZooClientError(
            "a ranking has one target: a model or a dataset",
            code="invalid_target",
            remedy="pass exactly one of the two",
        )
    body = {
        "target": {"model_id": model} if model is not None else {"dataset_id": dataset},
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


def _timed_out(ranking: Ranking, seconds: float) -> ZooClientError:
    return ZooClientError(
        f"the ranking is still pending after {seconds:g} s",
        code="timed_out",
        remedy=f"it continues in the zoo; check it with `zooscope rankings show {ranking['id']}`",
    )


def _failed(ranking: Ranking) -> ZooClientError:
    error = ranking.get("error") or {"code": "failed", "detail": "the ranking failed"}
    return ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))
