"""What a dataset's owner should know about an upload, though nothing is wrong with it."""

from dataclasses import dataclass
from itertools import islice

from service.core.counts import counted
from workers.methods.dataset_ingestion.entries import readable

MOST_NAMES = 100
MOST_NOTES = 100


@dataclass(frozen=True)
class DatasetNote:
    """One remark; ``count`` files share it, the first of them are in ``names``."""

    code: str
    detail: str
    count: int
    names: tuple[str, ...]


class NoteCollector:
    """Remarks, grouped by code and words."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], list[str]] = {}

    def add(self, code: str, detail: str, name: str | None = None) -> None:
        """Adds a remark, about one file or about the upload."""
        names = self._names.setdefault((code, detail), [])
        if name is not None:
            names.append(name)

    def collected(self) -> tuple[DatasetNote, ...]:
        """The first remarks, in the order in which they first occurred, and how many more there are."""
        notes = [
            DatasetNote(code, readable(detail), len(names), tuple(names[:MOST_NAMES]))
            for (code, detail), names in islice(self._names.items(), MOST_NOTES)
        ]
        if (rest := len(self._names) - MOST_NOTES) > 0:
            notes.append(DatasetNote("more_notes", counted(rest, "more note"), rest, ()))
        return tuple(notes)
