"""Parquet files with a column that divides the set: the rows of one part are read."""

from collections.abc import Sequence, Set
from typing import Any

from service.core.manifest import DatasetManifest
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.splits import (
    chosen_split,
    is_split,
    may_state_splits,
    split_column,
    split_of,
)


def stated_splits(file: Any, used: Set[str | None]) -> list[str] | None:
    """The part of the set in which each row of a file is; None if no column but the used states it."""
    names = [
        name for name in file.schema_arrow.names if name not in used and may_state_splits(name)
    ]
    values = file.read(columns=names, use_threads=False).to_pydict() if names else {}
    column = split_column(values)
    return None if column is None else [split_of(column, value) for value in values[column]]


class RowSplits:
    """Chooses rows of the wanted part of a set, which may lie in several files."""

    def __init__(self, manifest: DatasetManifest, notes: NoteCollector) -> None:
        self._wanted = manifest.split
        self._notes = notes
        self._parts: set[str] = set()

    def wanted_rows(self, stated: Sequence[str] | None, *, prefix: str) -> list[bool] | None:
        """Which rows of a file are wanted; None if all are.

        Raises:
            RefusedUploadError: ``several_splits``: there are several, and none is wanted.
        """
        self._parts |= set(stated or ())
        wanted = self._wanted
        if stated is None or wanted is None:
            if len(self._parts) > 1:
                chosen_split(sorted(self._parts), None)
            return None
        rows = [is_split(part, wanted) for part in stated]
        for number, is_wanted in enumerate(rows):
            if not is_wanted:
                left_out = f"the split {stated[number] or 'without a name'} is left out"
                self._notes.add("other_splits", left_out, f"{prefix}{number:06d}")
        return rows
