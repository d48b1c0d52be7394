"""The folder that names the class of an image: the level of folders that varies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath

from service.core.counts import counted
from service.core.manifest import LabelFolder
from workers.methods.dataset_ingestion.entries import refused
from workers.methods.dataset_ingestion.splits import split_kind

# Folders that hold images of any class, where nothing else names one.
_CONTAINERS = frozenset(
    {"data", "dataset", "image", "images", "img", "imgs", "photos", "pics", "pictures"}
)
# Folders that hold what belongs to images, beside the images.
_COMPANIONS = frozenset({
    "annotation", "annotations", "gt", "ground_truth", "groundtruth", "label", "labels", "mask",
    "masks", "seg", "segmentation", "segmentations", "segmentationclass", "jpegimages",
})  # fmt: skip
_MOST_SHOWN = 5

Folders = tuple[str, ...]


@dataclass(frozen=True)
class FolderLabels:
    """The label of every path, and how the folders were read."""

    labels: Mapping[PurePosixPath, str | None]
    description: str


def folder_labels(
    paths: Sequence[PurePosixPath], *, ignored_level: int | None, rule: LabelFolder | None
) -> FolderLabels:
    """Labels from the one level of folders that varies, or from those that the rule names.

    A level that a level above determines, such as ``images`` in each class, does not count.

    Args:
        paths: Paths of all images.
        ignored_level: The level of folders that divides images into splits.
        rule: Which level names the classes if several vary.

    Raises:
        RefusedUploadError: ``ambiguous_labels``: several levels vary and there is no rule;
            ``no_classes``: the folders are those of images and their masks or the like.
    """
    folders = {path: _without(path.parts[:-1], ignored_level) for path in paths}
    distinct = set(folders.values())
    levels = _informative_levels(distinct)
    if not levels:
        only = _only_label(distinct - {()})
        names = {parts: only if parts else None for parts in distinct}
        described = "all images are in one folder, which names the only class"
    elif len(levels) == 1:
        names = {parts: _at(parts, levels[0]) for parts in distinct}
        described = f"the folders on level {levels[0] + 1} name the classes"
    else:
        names = _by_rule(distinct, levels, rule)
        described = f"of several levels of folders, `{rule}` names the classes"
    _require_classes({name for name in names.values() if name is not None})
    return FolderLabels({path: names[parts] for path, parts in folders.items()}, described)


def _require_classes(names: set[str]) -> None:
    lower_case = {name.lower() for name in names}
    if len(names) > 1 and lower_case <= _CONTAINERS | _COMPANIONS and lower_case & _COMPANIONS:
        raise refused(
            "no_classes",
            f"the folders {', '.join(sorted(names))} hold images and what belongs to them, no classes",
            "set `layout` (`--layout`) to masks if they are masks; else upload the images alone",
        )


def _without(parts: Folders, level: int | None) -> Folders:
    return parts if level is None else parts[:level] + parts[level + 1 :]


def _at(parts: Folders, level: int) -> str | None:
    return parts[level] if len(parts) > level else None


def _informative_levels(folders: set[Folders]) -> list[int]:
    """The levels that vary within the same folders of the levels above."""
    levels: list[int] = []
    for level in range(max((len(parts) for parts in folders), default=0)):
        names_below: dict[Folders, set[str]] = {}
        for parts in folders:
            if len(parts) > level:
                above = tuple(_varying(parts, levels))
                names_below.setdefault(above, set()).add(parts[level])
        if any(len(names) > 1 for names in names_below.values()):
            levels.append(level)
    return levels


def _only_label(folders: set[Folders]) -> str | None:
    """The last of the folders around all images that is more than a container."""
    ordered = sorted(folders)
    pairs = zip(ordered[0], ordered[-1], strict=False) if ordered else ()
    shared = [first for first, last in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    names = (name for name in reversed(shared) if name.lower() not in _CONTAINERS)
    return next((name for name in names if split_kind(name) is None), None)


def _by_rule(
    folders: set[Folders], levels: list[int], rule: LabelFolder | None
) -> dict[Folders, str | None]:
    """Labels from the first or last level that varies, or from the path through all of them."""
    named = {
        LabelFolder.FIRST: {parts: _at(parts, levels[0]) for parts in folders},
        LabelFolder.LAST: {parts: _last(parts, levels) for parts in folders},
        LabelFolder.PATH: {parts: "/".join(_varying(parts, levels)) or None for parts in folders},
    }
    if rule is not None:
        return named[rule]
    choices = "; ".join(f"{choice}: {_shown(names)}" for choice, names in named.items())
    raise refused(
        "ambiguous_labels",
        f"{len(levels)} levels of folders vary, and any could name the classes: {choices}",
        "set `label_folder` (`--label-folder`) to first, last or path",
    )


def _varying(parts: Folders, levels: list[int]) -> list[str]:
    return [parts[level] for level in levels if len(parts) > level]


def _last(parts: Folders, levels: list[int]) -> str | None:
    names = _varying(parts, levels)
    return names[-1] if names else None


def _shown(names: Mapping[Folders, str | None]) -> str:
    """How many classes there would be, and the first of them."""
    classes = sorted({name for name in names.values() if name is not None})
    more = ", …" if len(classes) > _MOST_SHOWN else ""
    return f"{counted(len(classes), 'class')} ({', '.join(classes[:_MOST_SHOWN])}{more})"
