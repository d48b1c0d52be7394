"""A ranking as a client gets it: the answer of the zoo, with ways to look at it."""

from typing import Any, cast

from zooscope.client.plots import axes_or_new
from zooscope.client.results import Ranking, RankingItem
from zooscope.client.tables import data_frame, html_table

_COLUMNS = ("rank", "name", "score", "interval", "model_id")
_ROW_INCHES = 0.3


class RankingTable(dict[str, Any]):
    """A ranking: the dictionary that the zoo answers, for tables, plots and notebooks.

    ``ranking["items"]`` and all other keys are those of ``Ranking``, whose types ``data`` has.
    """

    @property
    def data(self) -> Ranking:
        """The same ranking, with the types of its keys."""
        return cast("Ranking", self)

    @property
    def best(self) -> RankingItem | None:
        """The first of the ranked networks; None without any."""
        return next(iter(self.data["items"]), None)

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row for each ranked network, best first.

        Raises:
            ZooClientError: ``extra_missing``.
        """
        items = self.data["items"]
        columns = list(items[0]) if items else list(RankingItem.__annotations__)
        rows = [{**item, **_ends(item)} for item in items]
        names = [name for name in columns if name != "interval"]
        return data_frame(rows, [*names, "interval_low", "interval_high"])

    def plot(self, axes: Any = None, *, top: int = 20) -> Any:
        """Draw the scores of the ``top`` networks with their intervals; returns matplotlib's axes.

        Args:
            axes: Where to draw; None makes a new figure (``axes.figure``).
            top: Number of networks to draw.

        Raises:
            ZooClientError: ``extra_missing``.
        """
        items = self.data["items"][:top]
        axes = axes_or_new(axes, height=1.2 + _ROW_INCHES * len(items))
        positions = range(len(items))
        for position, item in zip(positions, items, strict=True):
            if item["interval"] is not None:
                axes.plot(item["interval"], [position, position], color="tab:gray", zorder=1)
        axes.scatter([item["score"] for item in items], positions, color="tab:blue", zorder=2)
        axes.set_yticks(positions, [item["name"] for item in items])
        axes.invert_yaxis()
        axes.set_xlabel("expected accuracy" if self["metric"] == "fused" else "score")
        axes.set_title(self._title())
        return axes

    def _title(self) -> str:
        target = self["target_dataset_id"] or self["target_model_id"]
        return f"{self['metric']} ranking for {target} ({self['state']})"

    def _repr_html_(self) -> str:
        """The best networks as a table, for notebooks."""
        return html_table(self._title(), self.data["items"], _COLUMNS)


def _ends(item: RankingItem) -> dict[str, float | None]:
    """The ends of an item's interval as columns."""
    low, high = item["interval"] or (None, None)
    return {"interval_low": low, "interval_high": high}
