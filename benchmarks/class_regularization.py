"""Does a class domain help a few-shot learner on classes that its network never learned?

Glyphs: 242 characters of Omniglot (small sets 1 and 2), 20 images each, 28 x 28, ink = 1. Novel are
all characters of Sanskrit, Tagalog and Korean, base the others. Objects: 30 classes of CIFAR-10,
Fashion-MNIST and MNIST; novel are four of each source. A network of four blocks learns the base
classes; on its frozen features the learner and its baselines are trained, and compared on 600
episodes of novel classes, the same for every row. End to end the network learns on from episodes,
once for each row.

    python -m benchmarks.class_regularization [--data ../shared/data/real] [--seeds 0 1 2]

Writes docs/results/class_regularization.json and the tables of the method's page.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks.few_shot import glyphs, objects
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
from service.core.catalog.class_regularization import ClassRegularizationParams
from workers.methods.class_regularization import run
from workers.methods.class_regularization.comparison import REFERENCE
from workers.methods.class_regularization.rows import RIVAL, STUDENT, UNTIED
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.task import TrainingResult

_DATA = ROOT.parent / "shared/data/real"
_SIZES = ("5w1s", "5w5s", "20w1s", "20w5s")
_WHITENED = "class_regularization_whitened"
_FROZEN = (
    REFERENCE, "centroid_cosine", "whitened_centroid", "prototypical", "prototypical_whitened",
    STUDENT, _WHITENED, UNTIED, "constant_alpha", "symmetric", "symmetric_no_class_loss", "pure",
)  # fmt: skip
_END_TO_END = (REFERENCE, RIVAL, STUDENT, UNTIED)


@dataclass(frozen=True)
class EndToEnd:
    """How a network learns on from episodes.

    Attributes:
        epochs: Of the base characters before; 1 leaves nearly all to the episodes.
    """

    steps: int = 400
    body_rate: float = 1.0
    class_weight: float = 0.5
    epochs: int = glyphs.EPOCHS
    first_prior: float = 1.0


_VARIANTS: Mapping[str, tuple[str, EndToEnd]] = {
    "plain": ("as above: 400 steps, body rate 1, class weight 0.5, first prior 1", EndToEnd()),
    "longer": ("800 steps", EndToEnd(steps=800)),
    "slow_body": ("body rate 0.1", EndToEnd(body_rate=0.1)),
    "light_class_loss": ("class weight 0.05", EndToEnd(class_weight=0.05)),
    "heavy_class_loss": ("class weight 2", EndToEnd(class_weight=2.0)),
    "small_prior": ("first prior 0.05", EndToEnd(first_prior=0.05)),
    "small_prior_longer": (
        "first prior 0.05, 800 steps",
        EndToEnd(first_prior=0.05, steps=800),
    ),
    "episodes_alone": ("backbone of one epoch, 800 steps", EndToEnd(steps=800, epochs=1)),
}


@cache
def _glyphs(data: Path, seed: int, whiten: str) -> TrainingResult:
    """The learner and its baselines on frozen features of characters."""
    return _trained(glyphs.inputs(data, seed), seed, whiten=whiten)


@cache
def _objects(data: Path, split: int) -> TrainingResult:
    """The same on objects."""
    return _trained(objects.inputs(data, split), split, whiten="off")


@cache
def _end_to_end(data: Path, variant: EndToEnd, seed: int) -> TrainingResult:
    """The learner and a prototypical network, each with a body that learns on."""
    inputs = glyphs.inputs(data, seed, epochs=variant.epochs)
    return _trained(
        inputs,
        seed,
        whiten="off",
        body_rate=variant.body_rate,
        ways=10,
        batch_size=60,
        budget={"steps": variant.steps},
        class_weight=variant.class_weight,
        first_prior=variant.first_prior,
    )


def _trained(inputs: Any, seed: int, **options: Any) -> TrainingResult:
    params = {"seed": seed, "num_evaluations": 1, **options}
    return run(inputs, ClassRegularizationParams.model_validate(params), RecordingReporter())


def _numbers(result: TrainingResult, row: str) -> Numbers:
    """Accuracies in percent, gains in points with their lower ends, meta shifts.

    Gains are over nearest means, and end to end also over the prototypical network.
    """
    details, numbers = result.findings.details, {}
    for size, measured in details["sizes"].items():
        rows = measured["rows"]
        numbers[size] = 100 * rows[row]["mean"]
        for name, other in (("gain", REFERENCE), ("over_rival", RIVAL)):
            if other in rows and other != row:
                mean, low = _difference(measured, row, other)
                numbers |= {f"{name}_{size}": mean, f"{name}_low_{size}": low}
    for shots, shift in details["meta_shift"][row].items():
        numbers[f"shift_{shots}"] = shift
    return numbers


def _difference(measured: Mapping[str, Any], row: str, minus: str) -> tuple[float, float]:
    """Paired difference of two rows in points, and the lower end of its interval."""
    for item in measured["differences"]:
        sign = {(row, minus): 1, (minus, row): -1}.get((item["row"], item["minus"]))
        if sign is not None:
            mean = 100 * sign * item["mean"]
            return mean, mean - 100 * item["half_width"]
    raise LookupError(minus)


def _row_of(train: Callable[..., TrainingResult], row: str, seed: int) -> Numbers:
    return _numbers(train(seed), row)


def _auto_row(data: Path, seed: int) -> Numbers:
    result = _glyphs(data, seed, "auto")
    return _numbers(result, STUDENT) | {"whitened": float(result.findings.details["whitened"])}


def _variant_row(data: Path, variant: EndToEnd, seed: int) -> Numbers:
    """The learner's numbers, its rival's accuracies, and the gain without the class loss."""
    result = _end_to_end(data, variant, seed)
    untied = _numbers(result, UNTIED)
    others = {f"rival_{size}": _numbers(result, RIVAL)[size] for size in _SIZES}
    others |= {f"untied_{key}": untied[key] for key in untied if key.startswith("over_rival")}
    return _numbers(result, STUDENT) | others


def _ratio(results: Results, key: str) -> float:
    return results.mean(STUDENT, key) / results.mean(REFERENCE, key)


def _least(results: Results, row: str, key: str) -> float:
    """The smallest over seeds. Raises LookupError."""
    values = results.values(row, key)
    if not values:
        raise LookupError(row)
    return min(values.values())


def _gains(name: str, title: str, sizes: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(
        Column(f"{title} {size}", f"{name}_{size}", 2, low=f"{name}_low_{size}") for size in sizes
    )


_SHIFTS = (Column("shift, 1 shot", "shift_1"), Column("shift, 5 shots", "shift_5"))
_COLUMNS = (Column("5w1s in %", "5w1s", 2), *_gains("gain", "gain", _SIZES), *_SHIFTS)
_OBJECT_COLUMNS = (Column("5w1s in %", "5w1s", 2), *_gains("gain", "gain", _SIZES[:2]), *_SHIFTS)
_JOINT_COLUMNS = (
    Column("5w1s in %", "5w1s", 2),
    *_gains("gain", "gain", _SIZES[:1]),
    *_gains("over_rival", "over the network", _SIZES),
    *_SHIFTS,
)
_VARIANT_COLUMNS = (
    Column(f"`{RIVAL}` 5w1s in %", "rival_5w1s", 2),
    *_gains("over_rival", "learner over it", _SIZES),
    *_gains("untied_over_rival", "without class loss", _SIZES),
)
_BOUNDS = (
    Bound("gain at 5w1s", lambda r: r.mean(STUDENT, "gain_5w1s"), low=0.2),
    Bound("least lower end at 5w1s", lambda r: _least(r, STUDENT, "gain_low_5w1s"), low=0.0),
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
_OBJECT_BOUNDS = (
    Bound("gain on whitened features at 5w1s", lambda r: r.mean(_WHITENED, "gain_5w1s"), low=0.6),
    Bound(
        "least lower end of it, 1 shot", lambda r: _least(r, _WHITENED, "gain_low_5w1s"), low=0.0
    ),
    Bound("gain on whitened features at 5w5s", lambda r: r.mean(_WHITENED, "gain_5w5s"), low=0.5),
    Bound(
        "least lower end of it, 5 shots", lambda r: _least(r, _WHITENED, "gain_low_5w5s"), low=0.0
    ),
    Bound(
        "lead over whitening alone at 5w1s",
        lambda r: r.lead(_WHITENED, "whitened_centroid", "5w1s"),
        low=0.3,
    ),
)
_INTERVALS = (
    " Gains are paired differences in points, with their 95 % interval over the episodes of all"
    " seeds in brackets."
)
_GLYPH_WORDS = (
    "Omniglot small 1 and 2: 242 characters of 20 images, 28 × 28; 99 novel characters of Sanskrit,"
    " Tagalog and Korean, 143 base characters. Backbone: four blocks 32-32-32-64, 25 epochs on the"
    " base characters, one backbone per seed. Compared on the same 600 episodes of 5 queries per"
    " class." + _INTERVALS
)
_ONE_TRAINING = (
    " One training measures all rows; its CPU-seconds, those of the backbone included unless it was"
    " there, stand in the first row."
)
_OBJECT_WORDS = (
    "30 classes of CIFAR-10, Fashion-MNIST and MNIST with their first 300 images, 32 × 32 in three"
    " channels; the seed draws 4 novel classes of each source, 18 are base. The same backbone, 12"
    " epochs. Compared on the same 600 episodes of 15 queries per class." + _INTERVALS
)


def _frozen(train: Callable[..., TrainingResult], names: tuple[str, ...]) -> tuple[StudyRow, ...]:
    return tuple(
        StudyRow(
            name,
            f"**`{name}`**" if name == STUDENT else f"`{name}`",
            partial(_row_of, train, name),
        )
        for name in names
    )


def _study(data: Path) -> Study:
    on_glyphs = _frozen(lambda seed: _glyphs(data, seed, "off"), _FROZEN)
    auto = StudyRow("auto", f"`{STUDENT}`, `whiten: auto`", partial(_auto_row, data))
    variants = tuple(
        StudyRow(key, title, partial(_variant_row, data, variant))
        for key, (title, variant) in _VARIANTS.items()
    )
    return Study(
        "class_regularization",
        (
            StudyTable(
                "glyphs", (*on_glyphs, auto), _COLUMNS, _GLYPH_WORDS + _ONE_TRAINING, _BOUNDS
            ),
            StudyTable(
                "objects",
                _frozen(partial(_objects, data), _FROZEN),
                _OBJECT_COLUMNS,
                _OBJECT_WORDS + _ONE_TRAINING,
                _OBJECT_BOUNDS,
            ),
            StudyTable(
                "end-to-end",
                _frozen(partial(_end_to_end, data, EndToEnd()), _END_TO_END),
                _JOINT_COLUMNS,
                f"{_GLYPH_WORDS} Then 400 steps of one 10-way episode with `body_rate` 1,"
                f" `class_weight` 0.5 and `first_prior` 1; “the network” is `{RIVAL}`.{_ONE_TRAINING}",
            ),
            StudyTable(
                "end-to-end-variants",
                variants,
                _VARIANT_COLUMNS,
                f"As before, with one change each. {_GLYPH_WORDS}",
            ),
        ),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data", type=Path, default=_DATA)
    chosen, sys.argv[1:] = parser.parse_known_args()
    if (chosen.data / glyphs.FOLDER).is_dir():
        main(_study(chosen.data))
    else:
        print(f"skipped: there are no images in {chosen.data}")
