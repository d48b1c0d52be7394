"""Which layer of one network to build on, as a client asks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from zooscope.client.layer_table import LayerTable
from zooscope.client.paging import paged
from zooscope.client.polling import OnJobProgress, wait_while_pending
from zooscope.client.rankings import target_of
from zooscope.client.results import LayerSelectionSummary
from zooscope.client.transport import Resource

TargetData = Literal["ample", "scarce"]


class Layers(Resource):
    """``zoo.layers``: where to cut one network for one target."""

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
    ) -> LayerTable:
        """Score every candidate layer against the target and choose one.

        Args:
            source: The network to cut, as all networks and datasets here by id or name.
            model: The target, as a network of the zoo.
            dataset: The target as labeled images instead; a small network is trained on them first.
            probes: The dataset whose images both networks process; defaults to the target dataset.
            layers: Candidate layers, or "all"; None selects the ends of blocks.
            target_layer: Layer of the target; None selects the logits of a classifier.
            data: Share of the target that is labeled: "ample" (a tenth, λ = 1) or "scarce" (a
                hundredth, λ = 10).
            edge_weight: λ itself, instead of ``data``.
            settings: Settings of the comparison, as in the parameters of the method ``layer_selection``.
            wait: False returns at once, with the state ``pending`` if the comparison is not done.
            on_progress: Called with the progress of the job.
            timeout_seconds: Longest wait in seconds; the job continues after it.

        Raises:
            ZooClientError: ``invalid_target``: not exactly one of ``model`` and ``dataset``; or the
                comparison failed, with its code; or ``timed_out``.
        """
        body = {
            "source_model_id": source,
            "target": target_of(model, dataset, name="layer selection"),
            "probe_set_id": probes,
            "layers": layers if layers is None or isinstance(layers, str) else list(layers),
            "target_layer": target_layer,
            "data": data,
            "edge_weight": edge_weight,
            "settings": settings,
        }
        fields = {name: value for name, value in body.items() if value is not None}
        answer = self._transport.json("POST", "/layer-selections", body=fields)
        selection = LayerTable(answer)
        if not wait:
            return selection
        return self.wait(selection, on_progress=on_progress, timeout_seconds=timeout_seconds)

    def ls(
        self, *, state: str | None = None, limit: int | None = None
    ) -> Iterator[LayerSelectionSummary]:
        """List layer selections, newest first, without their scores; ``limit`` None lists all."""
        return paged(self._transport, "/layer-selections", params={"state": state}, limit=limit)

    def show(
        self,
        selection_id: str,
        *,
        data: TargetData | None = None,
        edge_weight: float | None = None,
    ) -> LayerTable:
        """One selection, read for an amount of ``data`` or by an ``edge_weight``."""
        params = {"data": data, "edge_weight": edge_weight}
        answer = self._transport.json("GET", f"/layer-selections/{selection_id}", params=params)
        return LayerTable(answer)

    def wait(
        self,
        selection: LayerTable,
        *,
        on_progress: OnJobProgress | None = None,
        timeout_seconds: float = 3600.0,
    ) -> LayerTable:
        """The selection once it is ready, read by the edge weight it came with.

        Raises:
            ZooClientError: It failed, with the code of the failure; or ``timed_out``.
        """
        return wait_while_pending(
            selection,
            lambda pending: self.show(pending["id"], edge_weight=pending["edge_weight"]),
            on_progress=on_progress,
            timeout_seconds=timeout_seconds,
            name="layer selection",
            command="zooscope layer-selections show",
        )
