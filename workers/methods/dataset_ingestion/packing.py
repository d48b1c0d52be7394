"""Valid images concatenated in one file, their index, and their canonical frames."""

import hashlib
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from service.core.fingerprints import fingerprint
from workers.methods.dataset_ingestion.images import DecodedImage, canonical_frame

LARGEST_SIDE = 256
SMALLEST_SIDE = 4


@dataclass(frozen=True)
class PackedImages:
    """One valid image: the position of its bytes in the packed file, and its facts."""

    name: str
    label: str | None
    sha256: str
    media_type: str
    start: int
    length: int
    width: int
    height: int


class Packer:
    """Appends images to a file and records their positions."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = 0
        self.images: list[PackedImages] = []

    def add(self, name: str, label: str | None, data: bytes, picture: DecodedImage) -> None:
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


def manifest_sha256(images: Sequence[PackedImages], labels: Sequence[str] | None) -> str:
    """Hash of the ordered list of (image digest, label); equal datasets have equal hashes.

    Names and packing do not affect it.
    """
    return fingerprint(
        {"labels": labels, "images": [[image.sha256, image.label] for image in images]}
    )


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
    frames = np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=shape)
    with packed.open("rb") as file:
        for position, image in enumerate(images):
            file.seek(image.start)
            frames[position] = canonical_frame(file.read(image.length), side)
            done(position + 1)
    frames.flush()
    return side
