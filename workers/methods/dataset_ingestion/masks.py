"""Masks: PNG files of the size of their images, whose values are the classes of the pixels."""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from PIL import Image

from service.core.counts import counted
from workers.methods.dataset_ingestion.entries import (
    ArchiveEntry,
    ImageProblem,
    ImageProblemError,
    Limits,
)
from workers.methods.dataset_ingestion.images import DecodedImage, center_square, mask_values
from workers.methods.dataset_ingestion.packing import PackedFile, PackedImages

UNLABELED = 255
_IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs", "jpegimages", "photos"})
_MASK_FOLDERS = frozenset({
    "annotation", "annotations", "gt", "label", "labels", "mask", "masks", "seg", "segmentation",
    "segmentations", "segmentationclass",
})  # fmt: skip
_MASK_ENDINGS = ("_mask", "-mask", "_seg", "-seg", "_label", "-label")

_NO_MASK = "no mask has the image's name"
_PAIR = "give the image and its mask the same name, or leave both out"

Key = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class PackedMask:
    """The position of a mask's values in their file, its digest, and the classes in it."""

    start: int
    width: int
    height: int
    sha256: str
    values: frozenset[int]


class MaskPacker:
    """Appends the values of masks to a file and records their positions by the names of images."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = 0
        self.masks: dict[str, PackedMask] = {}

    def add(self, name: str, mask: ArchiveEntry, image: DecodedImage, limits: Limits) -> None:
        """Appends the mask of one image.

        Raises:
            ImageProblemError: It is no mask of this image.
        """
        try:
            values = mask_values(mask.read(), limits)
        except ImageProblemError as error:
            detail = f"its mask {mask.name} cannot be used: {error.detail}"
            raise ImageProblemError(detail, code=error.code, remedy=error.remedy) from error
        height, width = values.shape
        if (width, height) != (image.width, image.height):
            raise ImageProblemError(
                f"its mask {mask.name} has {width}x{height} pixels,"
                f" and the image {image.width}x{image.height}",
                code="mask_size",
                remedy="draw the mask at the size of the image",
            )
        self._file.write(values.tobytes())
        digest = hashlib.sha256(values.tobytes()).hexdigest()
        used = frozenset(int(value) for value in np.unique(values))
        self.masks[name] = PackedMask(self._end, width, height, digest, used)
        self._end += values.size


def with_masks(
    entries: Sequence[ArchiveEntry],
) -> tuple[list[ArchiveEntry], tuple[ImageProblem, ...]]:
    """The images, each with its mask, and the problems of those without one and of lone masks.

    A mask lies in a folder of masks or has a name that ends in ``_mask`` or the like; apart from
    that, its path is that of its image.
    """
    masks = {_key(entry.path): entry for entry in entries if _is_mask(entry.path)}
    images: list[ArchiveEntry] = []
    problems: list[ImageProblem] = []
    for entry in entries:
        if _is_mask(entry.path):
            continue
        mask = masks.pop(_key(entry.path), None)
        if mask is None:
            problems.append(ImageProblem(entry.name, "no_mask", _NO_MASK, _PAIR))
        else:
            images.append(replace(entry, mask=mask))
    lone = "it is a mask, and no image has its name, or it has another mask"
    problems += [ImageProblem(mask.name, "missing_image", lone, _PAIR) for mask in masks.values()]
    return images, tuple(problems)


@dataclass(frozen=True)
class MaskClasses:
    """The names of the classes, and whether 255 is the second of two instead of no class."""

    names: tuple[str, ...]
    is_binary: bool

    def problems(self, masks: Mapping[str, PackedMask]) -> Iterator[ImageProblem]:
        """Images whose masks have values without a class."""
        for name, mask in masks.items():
            largest = max(mask.values - {UNLABELED}, default=0)
            if largest >= len(self.names):
                detail = (
                    f"its mask has the value {largest}, and there are"
                    f" {counted(len(self.names), 'class')}"
                )
                remedy = (
                    f"name {counted(largest + 1, 'class')} as `labels` (`--label`) of the manifest,"
                    " one for each value from 0"
                )
                yield ImageProblem(name, "unknown_label", detail, remedy)

    def indices(self, values: np.ndarray) -> np.ndarray:
        """Values of masks as indices of the classes; 255 where a pixel has none."""
        return (values == UNLABELED).astype(np.uint8) if self.is_binary else values


def mask_classes(masks: Mapping[str, PackedMask], stated: tuple[str, ...] | None) -> MaskClasses:
    """The classes of all masks; without stated names they are called by their numbers."""
    used = frozenset[int]().union(*(mask.values for mask in masks.values()))
    is_binary = used <= {0, UNLABELED} and UNLABELED in used
    largest = 1 if is_binary else max(used - {UNLABELED}, default=0)
    return MaskClasses(stated or tuple(str(number) for number in range(largest + 1)), is_binary)


def write_masks(
    images: Sequence[PackedImages],
    masks: Mapping[str, PackedMask],
    *,
    packed: Path,
    target: Path,
    side: int,
    classes: MaskClasses,
) -> None:
    """Writes the center squares of all masks as one .npy file, (image, side, side) uint8."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(images), side, side)}
    with packed.open("rb") as file, target.open("wb") as squares:
        np.lib.format.write_array_header_1_0(squares, header)
        for image in images:
            square = center_square(Image.fromarray(_values(file, masks[image.name])))
            resized = square.resize((side, side), Image.Resampling.NEAREST)
            squares.write(classes.indices(np.asarray(resized)).tobytes())


def append_masks(
    images: Sequence[PackedImages],
    masks: Mapping[str, PackedMask],
    *,
    packed: Path,
    target: Path,
    classes: MaskClasses,
) -> list[PackedImages]:
    """The images with the positions of their masks, which are now PNG files at the end of a file.

    A pixel's value is the index of its class, 255 for none; the palette only colors it.
    """
    with packed.open("rb") as file, target.open("ab") as pictures:
        return [
            replace(
                image, mask=_append(pictures, classes.indices(_values(file, masks[image.name])))
            )
            for image in images
        ]


def _append(file: BinaryIO, indices: np.ndarray) -> PackedFile:
    picture = Image.fromarray(indices)
    picture.putpalette(_PALETTE)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    data = buffer.getvalue()
    start = file.tell()
    file.write(data)
    return PackedFile(start, len(data), hashlib.sha256(data).hexdigest())


def _values(file: BinaryIO, mask: PackedMask) -> np.ndarray:
    """The values of one mask, (row, column) uint8."""
    file.seek(mask.start)
    data = file.read(mask.width * mask.height)
    return np.frombuffer(data, np.uint8).reshape(mask.height, mask.width)


def _color(index: int) -> tuple[int, int, int]:
    """A color far from those of the indices beside it: the bits of the index, spread as in PASCAL VOC."""
    channels = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            channels[channel] |= ((index >> channel) & 1) << (7 - bit)
        index >>= 3
    red, green, blue = channels
    return red, green, blue


_PALETTE = bytes(channel for index in range(256) for channel in _color(index))


def _is_mask(path: PurePosixPath) -> bool:
    in_folder = any(part.lower() in _MASK_FOLDERS for part in path.parts[:-1])
    return in_folder or path.stem.lower().endswith(_MASK_ENDINGS)


def _key(path: PurePosixPath) -> Key:
    """What an image and its mask have in common."""
    folders = [
        part for part in path.parts[:-1] if part.lower() not in _IMAGE_FOLDERS | _MASK_FOLDERS
    ]
    stem = path.stem
    ending = next((ending for ending in _MASK_ENDINGS if stem.lower().endswith(ending)), "")
    return tuple(folders), stem[: len(stem) - len(ending)]
