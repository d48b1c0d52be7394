"""A map as a client gets it: the answer of the zoo, with ways to look at it."""

from typing import Any

from zooscope.client.plots import axes_or_new
from zooscope.client.tables import data_frame, html_table

_COLUMNS = ("name", "cluster", "x", "y", "nearest", "model_id")


class MapTable(dict[str, Any]):
    """A map: the dictionary that the zoo answers, for tables, plots and notebooks."""

    @property
    def networks(self) -> list[dict[str, Any]]:
        """Name, cluster, position and nearest network of every network on the map."""
        document = self["document"]
        names = document["names"]
        return [
            {
                "name": name,
                "cluster": cluster,
                "x": point[0],
                "y": point[1],
                "nearest": names[near[0]["index"]] if near else None,
                "model_id": model_id,
            }
            for model_id, name, cluster, point, near in zip(
                document["models"],
                names,
                document["clusters"],
                document["points"],
                document["neighbors"],
                strict=True,
            )
        ]

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row for each network.

        Raises:
            ZooClientError: ``extra_missing``.
        """
        return data_frame(self.networks, _COLUMNS)

    def plot(self, axes: Any = None) -> Any:
        """Draw the networks at their positions, colored by cluster; returns matplotlib's axes.

        Args:
            axes: Where to draw; None makes a new figure (``axes.figure``).

        Raises:
            ZooClientError: ``extra_missing``.
        """
        axes = axes_or_new(axes, height=6.0)
        networks = self.networks
        axes.scatter(
            [network["x"] for network in networks],
            [network["y"] for network in networks],
            c=[network["cluster"] for network in networks],
            cmap="tab10",
        )
        for network in networks:
            position = (network["x"], network["y"])
            axes.annotate(network["name"], position, xytext=(4, 4), textcoords="offset points")
        axes.set_aspect("equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(self._title())
        return axes

    def _title(self) -> str:
        document = self["document"]
        count = len(document["models"])
        return f"{count} networks on {self['dataset_id']}, stress {document['stress']:.3f}"

    def _repr_html_(self) -> str:
        """The networks as a table, for notebooks."""
        return html_table(self._title(), self.networks, _COLUMNS)
