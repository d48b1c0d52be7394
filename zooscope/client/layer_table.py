"""A layer selection as a client gets it: the answer of the zoo, with ways to look at it."""

from typing import Any, cast

from zooscope.client.plots import axes_or_new
from zooscope.client.results import LayerScore, LayerSelection
from zooscope.client.tables import data_frame, html_table

_COLUMNS = ("layer", "kind", "score", "interval", "operations_share", "status")


class LayerTable(dict[str, Any]):
    """A layer selection: the dictionary that the zoo answers, for tables, plots and notebooks."""

    @property
    def data(self) -> LayerSelection:
        """The same selection, with the types of its keys."""
        return cast("LayerSelection", self)

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row for each candidate layer, from the input on.

        Raises:
            ZooClientError: ``extra_missing``.
        """
        return data_frame(self.data["layers"], list(LayerScore.__annotations__))

    def plot(self, axes: Any = None) -> Any:
        """Draw the score of every layer, from the input on; returns matplotlib's axes.

        Args:
            axes: Where to draw; None makes a new figure (``axes.figure``).

        Raises:
            ZooClientError: ``extra_missing``.
        """
        axes = axes_or_new(axes)
        layers = [layer for layer in self.data["layers"] if layer["score"] is not None]
        positions = range(len(layers))
        axes.plot(positions, [layer["score"] for layer in layers], marker="o")
        for position, layer in zip(positions, layers, strict=True):
            if layer["interval"] is not None:
                axes.plot([position, position], layer["interval"], color="tab:gray", zorder=1)
        axes.set_xticks(positions, [layer["layer"] for layer in layers], rotation=60, ha="right")
        axes.set_ylabel(f"score (λ = {self['edge_weight']:g})")
        axes.set_title(self._title())
        return axes

    def _title(self) -> str:
        choice, baselines = self.data["choice"], self.data["baselines"]
        if choice is None or baselines is None:
            return f"layer selection {self['id']} ({self['state']})"
        return (
            f"build on {baselines['middle']}, the middle; most like the target:"
            f" {choice['layer']} (score {choice['score']:.4f})"
        )

    def _repr_html_(self) -> str:
        """The layers as a table, for notebooks."""
        return html_table(self._title(), self.data["layers"], _COLUMNS)
