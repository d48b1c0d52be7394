"""Valid images concatenated in one file, their index, and their canonical frames."""

import hashlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from service.core.fingerprints import fingerprint
from workers.methods.dataset_ingestion.entries import Label
from workers.methods.dataset_ingestion.images import DecodedImage, canonical_frame

LARGEST_SIDE = 256
SMALLEST_SIDE = 4


@dataclass(frozen=True)
class PackedFile:
    """The position of a file's bytes in the packed file, and their digest."""

    start: int
    length: int
    sha256: str


@dataclass(frozen=True)
class PackedImages:
    """One valid image: the position of its bytes in the packed file, its facts, and its mask."""

    name: str
    label: Label
    sha256: str
    media_type: str
    start: int
    length: int
    width: int
    height: int
    mask: PackedFile | None = None


class Packer:
    """Appends images to a file and records their positions."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = 0
        self.images: list[PackedImages] = []

    def add(self, name: str, label: Label, data: bytes, picture: DecodedImage) -> None:
        """Appends one image."""
        self._file.write(data)
        self.images.append(
            PackedImages(
                name=name,
                label=label,
                sha256=hashlib.sha256(data).hexdigest(),
                media_type=picture.media_type,
                start=self._end,
                length=len(data),
                width=picture.width,
                height=picture.height,
            )
        )
        self._end += len(data)


def manifest_sha256(
    images: Sequence[PackedImages],
    labels: Sequence[str] | None,
    mask_digests: Mapping[str, str],
) -> str:
    """Hash of the ordered list of (image digest, label or mask); equal datasets have equal hashes.

    Names and packing do not affect it. ``mask_digests`` are by the names of images.
    """
    pairs = [[image.sha256, mask_digests.get(image.name, image.label)] for image in images]
    return fingerprint({"labels": labels, "images": pairs})


def canonical_side(images: Sequence[PackedImages]) -> int:
    """Side of the canonical square: the median of the shorter sides, at most 256."""
    median = int(statistics.median(min(image.width, image.height) for image in images))
    return max(SMALLEST_SIDE, min(LARGEST_SIDE, median))


def write_canonical(
    images: Sequence[PackedImages], packed: Path, target: Path, *, done: Callable[[int], None]
) -> int:
    """Writes all canonical frames as one .npy file, (image, side, side, 3) uint8; returns side."""
    side = canonical_side(images)
    shape = (len(images), side, side, 3)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    # Written, not mapped: on a full disk, writing to a mapped file kills the process.
    with packed.open("rb") as file, target.open("wb") as frames:
        np.lib.format.write_array_header_1_0(frames, header)
        for position, image in enumerate(images):
            file.seek(image.start)
            frames.write(canonical_frame(file.read(image.length), side).tobytes())
            done(position + 1)
    return side
