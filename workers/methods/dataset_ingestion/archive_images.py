"""The images of an archive with their labels: from label files, else from folders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from service.core.manifest import DatasetLayout, DatasetManifest
from workers.methods.dataset_ingestion.contents import Contents
from workers.methods.dataset_ingestion.entries import ArchiveEntry, ImageProblem, Label, refused
from workers.methods.dataset_ingestion.folder_labels import folder_labels
from workers.methods.dataset_ingestion.image_names import ImageNames
from workers.methods.dataset_ingestion.label_files import LabelTable, read_label_file
from workers.methods.dataset_ingestion.masks import with_masks
from workers.methods.dataset_ingestion.named_rows import unresolved_row
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.splits import chosen_split, split_level

_ONE_ROW = "leave one row for the image"
_UNUSED = "label files without labels for images of the upload are not used"


@dataclass(frozen=True)
class ImagesWithLabels:
    """Images with their labels, the classes in order if a file states them, and problems."""

    entries: Sequence[ArchiveEntry]
    classes: tuple[str, ...] | None = None
    problems: tuple[ImageProblem, ...] = ()


def archive_images(
    contents: Contents, manifest: DatasetManifest, notes: NoteCollector
) -> ImagesWithLabels:
    """The images of the wanted split, labeled as the layout says.

    Raises:
        RefusedUploadError: ``several_splits``, ``unknown_split``, ``ambiguous_labels`` or another
            code of a label file.
    """
    level = split_level((entry.path for entry in contents.images), manifest.split)
    images: Sequence[ArchiveEntry] = contents.images
    label_files = contents.label_files
    if level is not None:
        names = _names_on(level, images)
        split = chosen_split(names, manifest.split)
        images = _of_split(images, level, split, notes)
        label_files = [
            entry
            for entry in label_files
            if (name := _name_on(level, entry)) is None or name == split or name not in names
        ]
    if manifest.layout is DatasetLayout.MASKS:
        _require_no_split(manifest, level)
        entries, problems = with_masks(images)
        return ImagesWithLabels(entries, problems=problems)
    if manifest.layout is DatasetLayout.FLAT:
        _require_no_split(manifest, level)
        return ImagesWithLabels(images)
    tables = _label_tables(contents, label_files, manifest, notes)
    if tables:
        every = ImageNames(entry.name for entry in contents.images)
        rows = _LabelRows(tables, every)
        if level is None:
            images = _of_table_split(images, rows, manifest, notes)
        return _labeled_by_tables(images, rows)
    _require_no_split(manifest, level)
    return _labeled_by_folders(images, level, manifest, notes)


def _name_on(level: int, entry: ArchiveEntry) -> str | None:
    folders = entry.path.parts[:-1]
    return folders[level] if len(folders) > level else None


def _names_on(level: int, images: Sequence[ArchiveEntry]) -> list[str]:
    return sorted({name for entry in images if (name := _name_on(level, entry)) is not None})


def _of_split(
    images: Sequence[ArchiveEntry], level: int, split: str, notes: NoteCollector
) -> list[ArchiveEntry]:
    """The images of one split; the others are noted."""
    chosen = []
    for entry in images:
        name = _name_on(level, entry)
        if name == split:
            chosen.append(entry)
        else:
            other = "images outside of every split are" if name is None else f"the split {name} is"
            notes.add("other_splits", f"{other} left out", entry.name)
    return chosen


def _require_no_split(manifest: DatasetManifest, level: int | None) -> None:
    if manifest.split is not None and level is None:
        raise refused(
            "unknown_split",
            f"the upload has no splits, and so none called {manifest.split!r}",
            "omit `split` (`--split`)",
        )


def _label_tables(
    contents: Contents,
    label_files: Sequence[ArchiveEntry],
    manifest: DatasetManifest,
    notes: NoteCollector,
) -> list[LabelTable]:
    """The label files that give labels; the others are noted."""
    names = ImageNames(entry.name for entry in contents.images) if label_files else None
    tables = []
    for entry in label_files:
        table = None if names is None else read_label_file(entry, names, manifest)
        if table is None:
            notes.add("unused_label_file", _UNUSED, entry.name)
        else:
            tables.append(table)
            notes.add("labels_from", f"the labels are in {table.column} of {table.file}")
    if manifest.label_column is not None and not tables:
        raise refused(
            "unknown_column",
            f"no label file of the upload has a column {manifest.label_column!r}",
            "omit `label_column` (`--label-column`), or add a CSV file with the column",
        )
    return tables


def _labeled_by_folders(
    images: Sequence[ArchiveEntry],
    level: int | None,
    manifest: DatasetManifest,
    notes: NoteCollector,
) -> ImagesWithLabels:
    result = folder_labels(
        [entry.path for entry in images], ignored_level=level, rule=manifest.label_folder
    )
    if any(label is not None for label in result.labels.values()):
        notes.add("labels_from", result.description)
    return ImagesWithLabels([replace(entry, label=result.labels[entry.path]) for entry in images])


class _LabelRows:
    """The rows of all label files, by the image that each names."""

    def __init__(self, tables: Sequence[LabelTable], names: ImageNames) -> None:
        self.labels: dict[str, dict[Label, None]] = {}
        self.splits: dict[str, str] = {}
        self.unresolved: dict[ImageProblem, None] = {}
        self.classes = tables[0].classes if len(tables) == 1 else None
        for table in tables:
            for row in table.rows:
                fitting = names.named(row.name, table.folder)
                if len(fitting) != 1:
                    problem = unresolved_row(row.name, table.file, fitting, noun="image")
                    self.unresolved[problem] = None
                    continue
                name = fitting[0]
                self.labels.setdefault(name, {})[row.label] = None
                if row.split is not None:
                    self.splits[name] = row.split

    def problems(self, images: Sequence[ArchiveEntry]) -> Iterator[ImageProblem]:
        """Images that the files do not have or label twice."""
        yield from self.unresolved
        for entry in images:
            labels = list(self.labels.get(entry.name, ()))
            if len(labels) > 1:
                detail = f"the label files give it different labels: {labels[0]}, {labels[1]}"
                yield ImageProblem(entry.name, "several_labels", detail, _ONE_ROW)


def _labeled_by_tables(images: Sequence[ArchiveEntry], rows: _LabelRows) -> ImagesWithLabels:
    """The images with the labels that the files give them."""
    problems = tuple(rows.problems(images))
    refused_names = {problem.name for problem in problems}
    labeled = [
        replace(entry, label=next(iter(rows.labels.get(entry.name, ())), None))
        for entry in images
        if entry.name not in refused_names
    ]
    return ImagesWithLabels(labeled, rows.classes, problems)


def _of_table_split(
    images: Sequence[ArchiveEntry],
    rows: _LabelRows,
    manifest: DatasetManifest,
    notes: NoteCollector,
) -> Sequence[ArchiveEntry]:
    """The images of the wanted split, if the label files state splits."""
    names = sorted(set(rows.splits.values()))
    if len(names) <= 1 and manifest.split is None:
        return images
    if not names:
        _require_no_split(manifest, None)
    split = chosen_split(names, manifest.split)
    chosen = []
    for entry in images:
        name = rows.splits.get(entry.name)
        if name == split:
            chosen.append(entry)
        else:
            notes.add(
                "other_splits", f"the split {name or 'without a name'} is left out", entry.name
            )
    return chosen
