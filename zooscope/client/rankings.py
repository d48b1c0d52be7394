"""Which network to start from, and how networks relate, as a client asks."""

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
    """``zoo.rankings``: ask, look, wait."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def request(self, body: Mapping[str, Any]) -> Ranking:
        """Ask for a ranking as the REST door takes it; it may be pending at first."""
        return cast("Ranking", self._transport.json("POST", "/rankings", body=body))

    def show(self, ranking_id: str, *, edge_weight: float | None = None) -> Ranking:
        """One ranking; ``edge_weight`` weighs its edges anew, None as it was asked for."""
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
        """The ranking once it is ready.

        Raises:
            ZooClientError: It failed, with the code of the failure; or ``timed_out``.
        """
        end = time.monotonic() + timeout_seconds
        while ranking["state"] == "pending":
            progress = ranking.get("progress")
            if on_progress is not None and progress is not None:
                on_progress(progress)
            if time.monotonic() > end:
                raise _late(ranking, timeout_seconds)
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
    """The body of a request for a ranking.

    Args:
        probes: The dataset whose images all networks are shown; may be left out when the target
            is a dataset.
        model: The target, as a network of the zoo.
        dataset: Or the target as images. ``depara`` and ``attribution`` first train a small
            network on them, estimators look at their labels, ``fused`` at all that is known.
        candidates: Ids of networks, or a filter such as ``{"task": "segmentation"}``; None means
            all.
        metric: ``depara`` or ``attribution``; an estimator such as ``logme``; or ``fused``.
        edge_weight: λ in node similarity + λ · edge similarity; None takes the zoo's default.
        settings: Of the measurement, as in the parameters of the method ``depara``.
        estimators: Whether ``fused`` measures missing estimators or uses those that are known.
        protocol: Leaves accuracies of other protocols out of the history.

    Raises:
        ZooClientError: ``invalid_target``: not exactly one of ``model`` and ``dataset``.
    """
    if (model is None) == (dataset is None):
        raise ZooClientError(
            "a ranking has one target: a model or a dataset",
            code="invalid_target",
            remedy="give exactly one of the two",
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


def _candidates(given: Sequence[str] | Mapping[str, str] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return {"filter": dict(given)} if isinstance(given, Mapping) else {"model_ids": list(given)}


def _late(ranking: Ranking, seconds: float) -> ZooClientError:
    return ZooClientError(
        f"the ranking is still pending after {seconds:g} s",
        code="timed_out",
        remedy=f"it goes on in the zoo; look again with `zooscope rankings show {ranking['id']}`",
    )


def _failed(ranking: Ranking) -> ZooClientError:
    error = ranking.get("error") or {"code": "failed", "detail": "the ranking failed"}
    return ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))
