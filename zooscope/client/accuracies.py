"""Client of the measured accuracies."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zooscope.client.errors import ZooClientError
from zooscope.client.paging import paged
from zooscope.client.results import Accuracy, AddedAccuracies
from zooscope.client.transport import Resource

_MOST_AT_ONCE = 2_000


class Accuracies(Resource):
    """``zoo.accuracies``: measured accuracies, the history that fused rankings learn from."""

    def add(self, accuracies: Sequence[Mapping[str, Any]]) -> AddedAccuracies:
        """Record accuracies.

        They are sent in batches of at most 2 000; the zoo accepts or refuses each batch as a
        whole, and leaves accuracies that it has recorded before unchanged.

        Args:
            accuracies: Each ``{model, dataset, value, unit?, protocol?, seed?, source?}``.
                ``value`` is a share from 0 to 1 unless ``unit`` is ``percent``.

        Returns:
            The accuracies as recorded, and how many of them are new.

        Raises:
            ZooClientError: A value is invalid, or contradicts a recorded one.
        """
        items: list[Accuracy] = []
        new = 0
        for start in range(0, len(accuracies), _MOST_AT_ONCE):
            part = [dict(record) for record in accuracies[start : start + _MOST_AT_ONCE]]
            answer = self._transport.json("POST", "/accuracies", body={"accuracies": part})
            items += answer["items"]
            new += answer["new"]
        return {"items": items, "new": new}

    def import_table(self, path: Path, **common: str) -> AddedAccuracies:
        """Record a table: networks in rows, datasets in columns, accuracies in the cells.

        Args:
            path: A CSV file. Its first column holds ids or names of networks, its first row those
                of datasets. Empty cells are skipped.
            common: Fields that all accuracies share: ``unit``, ``protocol``, ``source``.

        Raises:
            ZooClientError: ``invalid_table``: a cell is not a number, or a row is too long or short.
        """
        return self.add(accuracies_in(path, **common))

    def ls(
        self, *, model: str | None = None, dataset: str | None = None, limit: int | None = None
    ) -> Iterator[Accuracy]:
        """The accuracies of a network or a dataset, by recorded id or name, newest first."""
        query = {"model": model, "dataset": dataset}
        return paged(self._transport, "/accuracies", params=query, limit=limit)

    def rm(self, accuracy_id: str) -> None:
        """Delete an accuracy."""
        self._transport.request("DELETE", f"/accuracies/{accuracy_id}")


def accuracies_in(path: Path, **common: str) -> list[dict[str, Any]]:
    """The accuracies in a table; ``common`` holds fields that all share.

    Raises:
        ZooClientError: ``invalid_table``.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if len(rows) < 2:  # noqa: PLR2004 - datasets and one network
        raise _bad(path, 1, "the table needs a first row of datasets, and rows of networks")
    datasets = [name.strip() for name in rows[0][1:]]
    return [
        {"model": row[0].strip(), "dataset": dataset, "value": value, **common}
        for line, row in enumerate(rows[1:], 2)
        for dataset, value in _cells(path, line, row, datasets)
    ]


def _cells(
    path: Path, line: int, row: list[str], datasets: list[str]
) -> Iterator[tuple[str, float]]:
    """The non-empty cells of a network."""
    if len(row) != len(datasets) + 1:
        raise _bad(path, line, f"{len(row)} cells where the first row has {len(datasets) + 1}")
    for dataset, cell in zip(datasets, row[1:], strict=True):
        if cell.strip():
            yield dataset, _number(path, line, cell)


def _number(path: Path, line: int, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise _bad(path, line, f"{cell!r} is not a number") from None


def _bad(path: Path, line: int, reason: str) -> ZooClientError:
    return ZooClientError(
        f"{path.name}, line {line}: {reason}",
        code="invalid_table",
        remedy="pass a CSV file with networks in rows and datasets in columns",
    )
