"""Finds the image that a label file means: by path, by the end of a path, or by bare name."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from service.core.file_names import normalized

_ENOUGH_PARTS = 2

_NO_NAMES = frozenset({"", ".", ".."})

Parts = tuple[str, ...]
_Form = tuple[Parts, str]
"""A name in parts, with or without its suffix, and the whole name."""


class ImageNames:
    """The names of all images of an upload."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        forms: dict[str, list[_Form]] = {}
        for name in sorted(self._names):
            path = PurePosixPath(name)
            for form in {path, path.with_suffix("")}:
                forms.setdefault(form.name, []).append((form.parts, name))
        self._by_end = {end: _AlikeNames(alike, 1) for end, alike in forms.items()}

    def resolve(self, text: str, folder: PurePosixPath) -> str | None:
        """The image that the text in a file of ``folder`` names; None if it names none, or several."""
        named = self.named(text, folder)
        return named[0] if len(named) == 1 else None

    def named(self, text: str, folder: PurePosixPath) -> tuple[str, ...]:
        """All images that the text may name, sorted.

        Besides a path from the folder or from the top, the text may be a path on another machine
        that ends alike, or a name without folders or suffix.
        """
        text = normalized(text.strip()).replace("\\", "/")
        end = text.rpartition("/")[2]
        if end not in self._by_end and end not in _NO_NAMES:
            return ()
        path = posixpath.normpath(text)
        for candidate in (posixpath.normpath(str(folder / path)), path):
            if candidate in self._names:
                return (candidate,)
        parts = PurePosixPath(path).parts
        alike = self._by_end.get(parts[-1]) if parts else None
        return () if alike is None else _nearest(alike, parts)


class _AlikeNames:
    """Names whose last parts are equal, divided further by the part before when it is asked for.

    Each division looks at every name once, so that a table is read in linear time also if all names
    end alike.
    """

    def __init__(self, forms: Sequence[_Form], depth: int) -> None:
        self._forms, self._depth = forms, depth

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return tuple(dict.fromkeys(name for _, name in self._forms))

    @cached_property
    def bare(self) -> tuple[str, ...]:
        """The names without a folder."""
        return tuple(dict.fromkeys(name for parts, name in self._forms if len(parts) == 1))

    @cached_property
    def by_folder(self) -> Mapping[str, "_AlikeNames"]:
        """The names by the folder before the parts that are equal."""
        forms: dict[str, list[_Form]] = {}
        for parts, name in self._forms:
            if len(parts) > self._depth:
                forms.setdefault(parts[-self._depth - 1], []).append((parts, name))
        return {part: _AlikeNames(alike, self._depth + 1) for part, alike in forms.items()}


def _nearest(alike: _AlikeNames, parts: Parts) -> tuple[str, ...]:
    """The names that share most last parts; none if both have other folders before a single one."""
    shared = 1
    for folder in reversed(parts[:-1]):
        longer = alike.by_folder.get(folder)
        if longer is None:
            break
        alike, shared = longer, shared + 1
    return alike.names if shared >= min(_ENOUGH_PARTS, len(parts)) else alike.bare
