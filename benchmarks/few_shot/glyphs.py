"""Handwritten characters: Omniglot small 1 and 2, with three alphabets set aside."""

import io
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import LabeledPictures
from benchmarks.students.teaching import Recipe, teacher
from workers.torchkit.training.task import ImageInputs

FOLDER = "images/omniglot_small"
EPOCHS = 25
_ZIPS = ("images_background_small1.zip", "images_background_small2.zip")
_NOVEL = ("Sanskrit", "Tagalog", "Korean")
_SIDE = 28
_BACKBONE = NetSpec("blocks", (32, 32, 32, 64))
_BATCH = 64


def inputs(data: Path, seed: int, *, epochs: int = EPOCHS) -> ImageInputs:
    """A backbone of this seed that learned the base characters, with both sets."""
    base, novel = _glyphs(data, novel=False), _glyphs(data, novel=True)
    recipe = Recipe(steps=epochs * len(base) // _BATCH, batch=_BATCH, rate=2e-3)
    backbone = teacher(_BACKBONE, base, name="glyphs", seed=seed, recipe=recipe)
    return ImageInputs(
        name="learner",
        teachers=(backbone,),
        evaluation_set=novel.evaluation_set,
        images=base.frames,
        labels=base.truth,
        label_names=base.labels,
    )


@cache
def _glyphs(data: Path, *, novel: bool) -> LabeledPictures:
    """Base or novel characters; a character that is in both files counts once."""
    images: dict[str, dict[str, np.ndarray]] = {}
    for name in _ZIPS:
        with zipfile.ZipFile(data / FOLDER / name) as archive:
            for entry in archive.namelist():
                if entry.endswith(".png"):
                    _, alphabet, character, file = entry.split("/")
                    if (alphabet in _NOVEL) is novel:
                        pictures = images.setdefault(f"{alphabet}/{character}", {})
                        pictures[file] = _glyph(archive.read(entry))
    labels = tuple(sorted(images))
    frames = [
        pictures[file]
        for label in labels
        for pictures in [images[label]]
        for file in sorted(pictures)
    ]
    truth = [index for index, label in enumerate(labels) for _ in images[label]]
    return LabeledPictures(torch.from_numpy(np.stack(frames)), torch.tensor(truth), labels)


def _glyph(file: bytes) -> np.ndarray:
    """An image (side, side, 3) with bright ink."""
    gray = Image.open(io.BytesIO(file)).convert("L")
    small = gray.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    ink = 255 - np.asarray(small, dtype=np.uint8)
    return np.repeat(ink[..., None], 3, axis=2)
