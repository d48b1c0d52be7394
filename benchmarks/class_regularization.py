"""Does a class domain help a few-shot learner on handwritten characters of unknown alphabets?

Glyphs: 242 characters of Omniglot (small sets 1 and 2), 20 images each, 28 x 28, ink = 1. Novel are
all characters of Sanskrit, Tagalog and Korean, base the others. A network of four blocks learns the
base characters; on its frozen features the learner and its baselines are trained, and compared on
600 episodes of novel characters, the same for every row.

    python -m benchmarks.class_regularization [--data ../shared/data/real] [--seeds 0 1 2]

Writes docs/results/class_regularization.json and the tables of the method's page.
"""

import argparse
import io
import sys
import zipfile
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import LabeledPictures
from benchmarks.students.protocol import (
    ROOT,
    Bound,
    Column,
    Results,
    Study,
    StudyRow,
    StudyTable,
    main,
)
from benchmarks.students.scenes import Numbers
from benchmarks.students.teaching import Recipe, teacher
from service.core.catalog.class_regularization import ClassRegularizationParams
from workers.methods.class_regularization import run
from workers.methods.class_regularization.comparison import REFERENCE
from workers.methods.class_regularization.rows import STUDENT
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.task import ImageInputs, TrainingResult

_DATA = ROOT.parent / "shared/data/real"
_FOLDER = "images/omniglot_small"
_ZIPS = ("images_background_small1.zip", "images_background_small2.zip")
_NOVEL = ("Sanskrit", "Tagalog", "Korean")
_SIDE = 28
_BACKBONE = NetSpec("blocks", (32, 32, 32, 64))
_EPOCHS, _BATCH = 25, 64
_SIZES = ("5w1s", "5w5s", "20w1s", "20w5s")
_FROZEN = (
    "none", "centroid_cosine", "whitened_centroid", "prototypical", "prototypical_whitened",
    "class_regularization", "class_regularization_whitened", "no_class_loss", "constant_alpha",
    "symmetric", "symmetric_no_class_loss", "pure",
)  # fmt: skip
_END_TO_END = ("none", "prototypical_network", "class_regularization")


@cache
def _glyphs(data: Path, *, novel: bool) -> LabeledPictures:
    """Base or novel characters; a character that is in both files counts once."""
    images: dict[str, dict[str, np.ndarray]] = {}
    for name in _ZIPS:
        with zipfile.ZipFile(data / _FOLDER / name) as archive:
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


def _inputs(data: Path, seed: int) -> ImageInputs:
    """A backbone of this seed that learned the base characters, with both sets."""
    base, novel = _glyphs(data, novel=False), _glyphs(data, novel=True)
    recipe = Recipe(steps=_EPOCHS * len(base) // _BATCH, batch=_BATCH, rate=2e-3)
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
def _trained(data: Path, seed: int, whiten: str) -> TrainingResult:
    """The learner and its baselines on frozen features."""
    params = {"whiten": whiten, "seed": seed, "num_evaluations": 1}
    return run(
        _inputs(data, seed), ClassRegularizationParams.model_validate(params), RecordingReporter()
    )


@cache
def _end_to_end(data: Path, seed: int) -> TrainingResult:
    """The learner and a prototypical network, each with a body that learns on."""
    params = {
        "whiten": "off", "seed": seed, "num_evaluations": 1, "body_rate": 1.0, "ways": 10,
        "batch_size": 60, "budget": {"steps": 400}, "class_weight": 0.5,
    }  # fmt: skip
    return run(
        _inputs(data, seed), ClassRegularizationParams.model_validate(params), RecordingReporter()
    )


def _numbers(result: TrainingResult, row: str) -> Numbers:
    """Accuracies in percent, gains over nearest means in points, lower ends, meta shifts."""
    details, numbers = result.findings.details, {}
    for size in _SIZES:
        measured = details["sizes"][size]
        numbers[size] = 100 * measured["rows"][row]["mean"]
        if row != REFERENCE:
            gain = _difference(measured["differences"], row)
            numbers[f"gain_{size}"] = 100 * gain["mean"]
            numbers[f"low_{size}"] = 100 * (gain["mean"] - gain["half_width"])
    for shots, shift in details["meta_shift"][row].items():
        numbers[f"shift_{shots}"] = shift
    return numbers


def _difference(differences: Sequence[dict[str, Any]], row: str) -> dict[str, Any]:
    """The paired difference of a row to nearest means."""
    return next(item for item in differences if (item["row"], item["minus"]) == (row, REFERENCE))


def _frozen_row(data: Path, row: str, seed: int) -> Numbers:
    return _numbers(_trained(data, seed, "off"), row)


def _end_to_end_row(data: Path, row: str, seed: int) -> Numbers:
    return _numbers(_end_to_end(data, seed), row)


def _auto_row(data: Path, seed: int) -> Numbers:
    result = _trained(data, seed, "auto")
    return _numbers(result, STUDENT) | {"whitened": float(result.findings.details["whitened"])}


def _ratio(results: Results, key: str) -> float:
    return results.mean(STUDENT, key) / results.mean(REFERENCE, key)


def _least(results: Results, row: str, key: str) -> float:
    """The smallest over seeds. Raises LookupError."""
    values = results.values(row, key)
    if not values:
        raise LookupError(row)
    return min(values.values())


_COLUMNS = (
    Column("5w1s in %", "5w1s", 2),
    *(Column(f"gain {size}", f"gain_{size}", 2) for size in _SIZES),
    Column("shift, 1 shot", "shift_1"),
    Column("shift, 5 shots", "shift_5"),
)
_BOUNDS = (
    Bound("gain at 5w1s", lambda r: r.mean(STUDENT, "gain_5w1s"), low=0.2),
    Bound("least lower end at 5w1s", lambda r: _least(r, STUDENT, "low_5w1s"), low=0.0),
    Bound("gain at 20w1s", lambda r: r.mean(STUDENT, "gain_20w1s"), low=0.4),
    Bound("gain at 5w5s", lambda r: r.mean(STUDENT, "gain_5w5s"), low=-0.2),
    Bound("gain at 20w5s", lambda r: r.mean(STUDENT, "gain_20w5s"), low=-0.2),
    Bound(
        "lead of `symmetric` over the same without class loss at 20w1s",
        lambda r: r.lead("symmetric", "symmetric_no_class_loss", "20w1s"),
        low=1.0,
    ),
    Bound("shift after over before, 1 shot", lambda r: _ratio(r, "shift_1"), high=0.93),
    Bound("shift after over before, 5 shots", lambda r: _ratio(r, "shift_5"), high=1.0),
    Bound("nearest means at 5w1s", lambda r: r.mean(REFERENCE, "5w1s"), low=84.0),
    Bound("nearest means at 20w5s", lambda r: r.mean(REFERENCE, "20w5s"), low=85.0),
)
_WORDS = (
    "Omniglot small 1 and 2: 242 characters of 20 images, 28 × 28; 99 novel characters of Sanskrit,"
    " Tagalog and Korean, 143 base characters. Backbone: four blocks 32-32-32-64, 25 epochs on the"
    " base characters, one backbone per seed. Gains are paired differences to `none` in points, on"
    " the same 600 episodes of 5 queries per class. One training measures all rows; its CPU-seconds,"
    " those of the backbone included, stand in the first row."
)


def _study(data: Path) -> Study:
    frozen = tuple(
        StudyRow(
            name,
            f"**`{name}`**" if name == STUDENT else f"`{name}`",
            partial(_frozen_row, data, name),
        )
        for name in _FROZEN
    )
    auto = StudyRow("auto", "`class_regularization`, `whiten: auto`", partial(_auto_row, data))
    joint = tuple(
        StudyRow(name, f"`{name}`", partial(_end_to_end_row, data, name)) for name in _END_TO_END
    )
    return Study(
        "class_regularization",
        (
            StudyTable("glyphs", (*frozen, auto), _COLUMNS, _WORDS, _BOUNDS),
            StudyTable(
                "end-to-end", joint, _COLUMNS,
                _WORDS + " Then 400 steps of one 10-way episode with `body_rate` 1.",
            ),
        ),
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data", type=Path, default=_DATA)
    chosen, sys.argv[1:] = parser.parse_known_args()
    if (chosen.data / _FOLDER).is_dir():
        main(_study(chosen.data))
    else:
        print(f"skipped: there are no Omniglot characters in {chosen.data}")
