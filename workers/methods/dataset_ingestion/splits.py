"""The parts of a set, such as ``train`` and ``val``, which are never poured together."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from workers.methods.dataset_ingestion.entries import refused
from workers.methods.dataset_ingestion.findings import shortened

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("eval", "evaluation"), "evaluation"),
    **dict.fromkeys(("trainset",), "train"),
    **dict.fromkeys(("valset",), "validation"),
    **dict.fromkeys(("testset",), "test"),
}
_FILLERS = frozenset({
    "data", "dataset", "folder", "image", "images", "img", "imgs", "pics", "seg", "set", "split",
})  # fmt: skip
_SPLIT_COLUMN = "split"
_SPLIT_COLUMNS = frozenset({
    "split", "splits", "data split", "dataset split", "set", "data set", "dataset", "subset",
    "partition", "phase", "usage",
})  # fmt: skip
_WORD = re.compile(r"[a-z]+")


def split_kind(name: str) -> str | None:
    """What part of a set a folder or file of this name holds; None if it is none.

    "val", "valid_images" and "val2017" all hold the "validation" part.
    """
    words = _WORD.findall(name.lower())
    kinds = [_KINDS[word] for word in words if word in _KINDS]
    others = [word for word in words if word not in _KINDS]
    return kinds[0] if len(kinds) == 1 and _FILLERS.issuperset(others) else None


def split_column(columns: Mapping[str, Sequence[Any]]) -> str | None:
    """The column that says of every row in which part of the set it is; None if there is none.

    It is called ``split``, or has another usual name, or says of one part whether a row is in it, and
    its values match.
    """
    if _SPLIT_COLUMN in columns:
        return _SPLIT_COLUMN
    for name in filter(may_state_splits, columns):
        stated = [split_of(name, value) for value in columns[name] if _is_stated(value)]
        if stated and all(stated):
            return name
    return None


def may_state_splits(name: str) -> bool:
    """Whether a column of this name may say in which part of the set a row is."""
    return (
        " ".join(re.findall(r"[a-z]+", name.lower())) in _SPLIT_COLUMNS
        or _mark_of(name) is not None
    )


def split_of(column: str, value: Any) -> str:
    """The part of the set that a value of such a column means; empty if it means none."""
    text = str(value).strip() if _is_stated(value) else ""
    kind = _mark_of(column)
    if kind is not None:
        other = "test" if kind == "train" else "train"
        return {"true": kind, "1": kind, "false": other, "0": other}.get(text.lower(), "")
    return text if column == _SPLIT_COLUMN or split_kind(text) is not None else ""


def _mark_of(column: str) -> str | None:
    """The part of the set whose rows a column such as "is_valid" marks."""
    is_, _, rest = column.strip().lower().partition("_")
    return split_kind(rest) if is_ == "is" else None


def _is_stated(value: Any) -> bool:
    return value is not None and str(value).strip() != ""


def split_level(paths: Iterable[PurePosixPath], wanted: str | None) -> int | None:
    """The level of folders, counted from 0, that divides files into splits.

    It has folders of two kinds of splits, or the one that is wanted. None if there is no such level.
    """
    folders = [path.parts[:-1] for path in paths]
    for level in range(max((len(parts) for parts in folders), default=0)):
        names = {parts[level] for parts in folders if len(parts) > level}
        if len({kind for name in names if (kind := split_kind(name))}) > 1:
            return level
        if wanted is not None and any(is_split(name, wanted) for name in names):
            return level
    return None


def is_split(name: str, wanted: str) -> bool:
    """Whether a name is the wanted one, or another for the same part."""
    return name == wanted or (
        split_kind(wanted) is not None and split_kind(name) == split_kind(wanted)
    )


def chosen_split(names: Sequence[str], wanted: str | None) -> str:
    """The one of several splits that is wanted.

    Raises:
        RefusedUploadError: ``several_splits``: none is wanted; ``unknown_split``: it is not there.
    """
    listed = shortened(names)
    if wanted is None:
        raise refused(
            "several_splits",
            f"the upload has the splits {listed}, which are not poured together",
            "set `split` (`--split`) to one of them; upload each split as a dataset of its own",
        )
    if wanted in names:
        return wanted
    fitting = [name for name in names if is_split(name, wanted)]
    if len(fitting) != 1:
        raise refused(
            "unknown_split",
            f"the upload has the splits {listed}, and not {wanted!r}",
            "set `split` (`--split`) to one of them",
        )
    return fitting[0]
