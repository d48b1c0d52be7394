"""The real images: read from the data folder, as pictures or arrays, with their labels."""

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class LabeledImages:
    """Images of any size, RGB or gray, and a class index for each."""

    images: tuple[Pixels, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]

    def first(self, count: int) -> "LabeledImages":
        """The same set, cut short."""
        return LabeledImages(self.images[:count], self.labels[:count], self.classes)


def gray_digits(data: Path, name: str, part: str) -> LabeledImages:
    """``mnist`` or ``fashion_mnist``; ``part`` is ``train`` or ``t10k``."""
    folder = data / "images" / name
    images = _idx(folder / f"{part}-images-idx3-ubyte.gz", 3)
    labels = _idx(folder / f"{part}-labels-idx1-ubyte.gz", 1)
    return LabeledImages(tuple(images), tuple(labels.tolist()), _IDX_CLASSES[name])


_IDX_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        *("t-shirt", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
}


def _idx(path: Path, rank: int) -> Pixels:
    raw = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(raw, ">i4", rank, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def cifar10(data: Path, part: str) -> LabeledImages:
    """``train_1of5`` or ``test_first3000``."""
    folder = data / "images" / "cifar10"
    with np.load(folder / f"cifar10_{part}.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    classes = (folder / "classes.txt").read_text(encoding="utf-8").split()
    return LabeledImages(tuple(images), tuple(labels.tolist()), tuple(classes))


def imagenet_samples(data: Path) -> LabeledImages:
    """One image of every fourth ImageNet class; labels are indices among the 1 000."""
    folder = data / "images" / "imagenet_samples_256"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    there = [row for row in rows if (folder / row["file"]).is_file()]
    return LabeledImages(
        tuple(read_rgb(folder / row["file"]) for row in there),
        tuple(int(row["index"]) for row in there),
        tuple(row["name"] for row in rows),
    )


def camvid(data: Path) -> Iterator[tuple[Pixels, Pixels]]:
    """Street scenes and their class maps: 0 to 10, 11 = void."""
    folder = data / "images" / "camvid"
    for path in sorted((folder / "test").iterdir()):
        truth = Image.open(folder / "testannot" / f"{path.stem}.png")
        yield read_rgb(path), np.asarray(truth)


def plates(data: Path) -> tuple[tuple[Pixels, ...], tuple[str, ...]]:
    """Number plates and what they say."""
    paths = sorted((data / "images" / "lpr_plates").glob("*.jpg"))
    return tuple(read_rgb(path) for path in paths), tuple(path.stem for path in paths)


def flowers(data: Path) -> LabeledImages:
    """Photographs of five kinds of flower."""
    images, names = [], []
    with zipfile.ZipFile(data / "images/flowers5/flowers5_core40perclass.zip") as archive:
        for member in sorted(archive.namelist()):
            if member.lower().endswith((".jpg", ".jpeg", ".png")):
                images.append(as_rgb(Image.open(io.BytesIO(archive.read(member)))))
                names.append(Path(member).parent.name)
    classes = tuple(sorted(set(names)))
    return LabeledImages(tuple(images), tuple(classes.index(name) for name in names), classes)


def read_rgb(path: Path) -> Pixels:
    """(h, w, 3), uint8."""
    with Image.open(path) as image:
        return as_rgb(image)


def as_rgb(image: Image.Image) -> Pixels:
    """(h, w, 3), uint8."""
    return np.asarray(image.convert("RGB"))
