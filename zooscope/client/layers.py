"""Which layer of one network to build on, as a client asks."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, cast

from zooscope.client.errors import ZooClientError
from zooscope.client.rankings import OnJobProgress
from zooscope.client.results import JobProgress, Problem
from zooscope.client.transport import Transport

TargetData = Literal["ample", "scarce"]

_LOOK_AGAIN_SECONDS = 0.5


class LayerScore(TypedDict):
    """A candidate layer against the target; what is None could not be compared."""

    layer: str
    kind: str
    shape: list[int]
    depth: float
    operations_share: float | None
    status: str
    detail: str | None
    valid_probes: int
    node_similarity: float | None
    edge_similarity: float | None
    score: float | None
    interval: list[float] | None


class LayerChoice(TypedDict):
    """The layer to build on, and how much less the next one scores."""

    layer: str
    score: float
    interval: list[float]
    runner_up: str | None
    margin: float | None


class LayerBaselines(TypedDict):
    """What one would choose without looking: the middle candidate, and the deepest."""

    middle: str
    deepest: str


class LayerSelection(TypedDict):
    """Which layer of one network a target should be built on, read by ``edge_weight``."""

    id: str
    state: Literal["pending", "ready", "failed"]
    job_id: str | None
    source_model_id: str
    target_model_id: str
    target_layer: str
    probe_set_id: str
    edge_weight: float
    choice: LayerChoice | None
    baselines: LayerBaselines | None
    layers: list[LayerScore]
    error: NotRequired[Problem | None]
    progress: NotRequired[JobProgress | None]
    cache_key: str
    created_at: str


class Layers:
    """``zoo.layers``: where to cut one network for one target."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def select(
        self,
        source: str,
        *,
        model: str | None = None,
        dataset: str | None = None,
        probes: str | None = None,
        layers: Sequence[str] | Literal["all"] | None = None,
        target_layer: str | None = None,
        data: TargetData | None = None,
        edge_weight: float | None = None,
        settings: Mapping[str, Any] | None = None,
        wait: bool = True,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> LayerSelection:
        """Every candidate layer's score against the target, and the choice.

        Args:
            source: The network to cut.
            model: The target, as a network of the zoo.
            dataset: Or the target as labelled images; a small network is trained on them first.
            probes: The dataset whose images both are shown; a target dataset's own when left out.
            layers: Candidates, or "all"; None means the ends of blocks.
            target_layer: Where the target is looked at; None means its logits if it classifies.
            data: How much of the target is labelled: "ample" (a tenth, λ = 1) or "scarce" (a
                hundredth, λ = 10).
            edge_weight: λ itself, instead of ``data``.
            settings: Of the comparison, as in the parameters of the method ``layer_selection``.
            wait: False answers at once, pending if it was not compared before.
            on_progress: Told how far the job is.
            timeout_seconds: Longest wait; the job goes on after it.

        Raises:
            ZooClientError: ``invalid_target``: not exactly one of ``model`` and ``dataset``; or the
                comparison failed, with its code; or ``timed_out``.
        """
        if (model is None) == (dataset is None):
            raise ZooClientError(
                "a layer selection has one target: a model or a dataset",
                code="invalid_target",
                remedy="give exactly one of the two",
            )
        body = {
            "source_model_id": source,
            "target": {"model_id": model} if model is not None else {"dataset_id": dataset},
            "probe_set_id": probes,
            "layers": layers if layers is None or isinstance(layers, str) else list(layers),
            "target_layer": target_layer,
            "data": data,
            "edge_weight": edge_weight,
            "settings": settings,
        }
        fields = {name: value for name, value in body.items() if value is not None}
        answer = self._transport.json("POST", "/layer-selections", body=fields)
        selection = cast("LayerSelection", answer)
        if not wait:
            return selection
        return self.wait(selection, on_progress=on_progress, timeout_seconds=timeout_seconds)

    def show(
        self,
        selection_id: str,
        *,
        data: TargetData | None = None,
        edge_weight: float | None = None,
    ) -> LayerSelection:
        """One selection, read for an amount of ``data`` or by an ``edge_weight``."""
        params = {"data": data, "edge_weight": edge_weight}
        answer = self._transport.json("GET", f"/layer-selections/{selection_id}", params=params)
        return cast("LayerSelection", answer)

    def wait(
        self,
        selection: LayerSelection,
        *,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> LayerSelection:
        """The selection once it is ready, read by the edge weight it came with.

        Raises:
            ZooClientError: It failed, with the code of the failure; or ``timed_out``.
        """
        end = time.monotonic() + timeout_seconds
        while selection["state"] == "pending":
            progress = selection.get("progress")
            if on_progress is not None and progress is not None:
                on_progress(progress)
            if time.monotonic() > end:
                raise ZooClientError(
                    f"the layer selection is still pending after {timeout_seconds:g} s",
                    code="timed_out",
                    remedy=f"it goes on in the zoo; `zooscope layers {selection['id']}` tells",
                )
            time.sleep(_LOOK_AGAIN_SECONDS)
            selection = self.show(selection["id"], edge_weight=selection["edge_weight"])
        error = selection.get("error")
        if selection["state"] == "failed" and error is not None:
            raise ZooClientError(error["detail"], code=error["code"], remedy=error.get("remedy"))
        return selection
