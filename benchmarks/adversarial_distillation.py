"""What a student learns without any image, beside labels, real images, noise and a still generator.

Digits and canvases of digits; networks without and with batch normalization, and a dense one.
Every row of a seed has the same teacher and, but for the teacher itself, the same fresh student.

    python -m benchmarks.adversarial_distillation [--seeds 0 1 2] [--tables …] [--rows …]

Writes docs/results/adversarial_distillation.json and the tables of
docs/methods/adversarial_distillation.md.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.students import anchors
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import digits, masked, several
from benchmarks.students.protocol import Bound, Column, Results, Study, StudyRow, StudyTable, main
from benchmarks.students.scenes import Numbers, Scene, of_method, of_teachers
from benchmarks.students.teaching import Recipe, teacher
from service.core.catalog.adversarial_distillation import AdversarialDistillationParams
from service.core.catalog.training import Student, StudentArchitecture
from workers.methods.adversarial_distillation import run

_STEPS, _LONG, _BATCH, _RATE = 500, 1000, 128, 0.05
_DENSE_STEPS, _DENSE_BATCH = 250, 32
_SEVERAL_STEPS, _SEVERAL_BATCH = 200, 64
_IMITATIONS = 5
_ANCHOR = Recipe(_STEPS * _IMITATIONS, _BATCH, _RATE, "sgd")
_DENSE_ANCHOR = Recipe(_DENSE_STEPS * _IMITATIONS, _DENSE_BATCH, _RATE, "sgd")
_DENSE_RECIPE = Recipe(steps=800, batch=32)


def _plain(seed: int) -> Scene:
    """No batch normalization on either side."""
    return _of_digits(
        NetSpec("lenet", (16, 32, 64)),
        Student(architecture=StudentArchitecture.LENET, width=8),
        seed,
    )


def _with_bn(seed: int) -> Scene:
    """Batch normalization on both sides, and a mean over places in the student."""
    return _of_digits(
        NetSpec("lenet_bn", (16, 32, 64)),
        Student(architecture=StudentArchitecture.PLAIN, width=12),
        seed,
    )


def _of_digits(net: NetSpec, student: Student, seed: int) -> Scene:
    split = digits()
    digit_teacher = teacher(net, split.train, name="digits", seed=seed)
    return Scene((digit_teacher,), student, split.test.evaluation_set, split.train)


def _dense(seed: int) -> Scene:
    split, net = masked(), NetSpec("unet", (12,))
    mask_teacher = teacher(net, split.train, name="masks", seed=seed, recipe=_DENSE_RECIPE)
    student = Student(architecture=StudentArchitecture.UNET, width=6)
    return Scene((mask_teacher,), student, split.test.evaluation_set, split.train)


def _game(scene: Scene, seed: int, *, steps: int = _STEPS, **knobs: Any) -> Numbers:
    """The room on this scene; numbers of its last evaluation are among what comes back."""
    params = AdversarialDistillationParams.model_validate(
        {
            "student": scene.student,
            "budget": {"steps": steps},
            "batch_size": _BATCH,
            "generator_width": 16,
            "noise_units": 64,
            "num_evaluations": 1,
            "checkpoint_interval_seconds": 60,
            "seed": seed,
            **knobs,
        }
    )
    return of_method(run, params, scene.alone)


def _plain_rows() -> tuple[StudyRow, ...]:
    def game(seed: int, **knobs: Any) -> Numbers:
        return _game(_plain(seed), seed, **({"preset": "dfad"} | knobs))

    only_one_hot = {"adversarial_weight": 0, "one_hot_weight": 1}
    return (
        *_anchors(_plain, _ANCHOR),
        StudyRow(
            "one_hot",
            "generator trained for the teacher's confidence alone",
            partial(game, **only_one_hot),
        ),
        StudyRow("dfad", "**DFAD**, 500 steps", game),
        StudyRow("dfad_long", "**DFAD**, 1000 steps", partial(game, steps=_LONG)),
        StudyRow(
            "divergence", "KL instead of the absolute distance", partial(game, match="divergence")
        ),
    )


def _anchors(scene_of: Callable[[int], Scene], recipe: Recipe) -> tuple[StudyRow, ...]:
    return (
        StudyRow("teacher", "teacher", lambda seed: _as_own(of_teachers(scene_of(seed)))),
        *anchors.rows(scene_of, recipe, real="student on the teacher's outputs, real images"),
    )


def _as_own(scores: Numbers) -> Numbers:
    """The teacher's measures in the columns of a student's."""
    return {name.removeprefix("teacher_"): value for name, value in scores.items()}


def _bn_rows() -> tuple[StudyRow, ...]:
    def game(seed: int, **knobs: Any) -> Numbers:
        return _game(_with_bn(seed), seed, **knobs)

    return (
        *_anchors(_with_bn, _ANCHOR),
        StudyRow("dfad", "DFAD", partial(game, preset="dfad")),
        StudyRow(
            "dfq",
            "**DFQ**: with batch statistics, confidence and balance",
            partial(game, preset="dfq"),
        ),
        StudyRow("fast_meta", "fast meta", partial(game, preset="fast_meta")),
    )


def _departure_rows() -> tuple[StudyRow, ...]:
    def row(key: str, title: str, **knobs: Any) -> StudyRow:
        return StudyRow(key, title, lambda seed: _game(_with_bn(seed), seed, **knobs))

    dfq, fast = {"preset": "dfq"}, {"preset": "fast_meta"}
    hot, everything = {"generator_temperature": 20}, {"pool_images": _STEPS * _BATCH}
    return (
        row("dfq", "DFQ", **dfq),
        row("dfq_hot", "DFQ, generator's temperature 20", **dfq, **hot),
        row("fast_meta", "fast meta", **fast),
        row("fast_meta_hot", "fast meta, generator's temperature 20", **fast, **hot),
        row("everything", "fast meta, all images", **fast, **everything),
        row("cropped", "fast meta, crop and flip", **fast, crop_and_flip=True),
        row(
            "published", "fast meta, all images, crop and flip",
            **fast, **everything, crop_and_flip=True,
        ),
    )  # fmt: skip


def _dense_rows() -> tuple[StudyRow, ...]:
    def game(seed: int, **knobs: Any) -> Numbers:
        sizes = {"batch_size": _DENSE_BATCH, "preset": "dfad"}
        return _game(_dense(seed), seed, steps=_DENSE_STEPS, **(sizes | knobs))

    return (
        *_anchors(_dense, _DENSE_ANCHOR),
        StudyRow(
            "logarithm", "**DFAD**, log(1 + D)", partial(game, adversarial_form="logarithmic")
        ),
        StudyRow("linear", "DFAD, D", partial(game, adversarial_form="linear")),
    )


def _several(seed: int) -> Scene:
    """Labels that may be there or not, batch normalization on both sides."""
    split, net = several(), NetSpec("strided", (16, 32, 64))
    canvas_teacher = teacher(net, split.train, name="several", seed=seed)
    student = Student(architecture=StudentArchitecture.STRIDED, width=16)
    return Scene((canvas_teacher,), student, split.test.evaluation_set, split.train)


def _several_rows() -> tuple[StudyRow, ...]:
    def game(seed: int, **knobs: Any) -> Numbers:
        sizes = {"batch_size": _SEVERAL_BATCH}
        return _game(_several(seed), seed, steps=_SEVERAL_STEPS, **(sizes | knobs))

    return (
        StudyRow("teacher", "teacher", lambda seed: _as_own(of_teachers(_several(seed)))),
        StudyRow("dfad", "DFAD", partial(game, preset="dfad")),
        StudyRow("dfq", "**DFQ**", partial(game, preset="dfq")),
        StudyRow(
            "pool",
            "DFQ, every other batch from a pool of 2048",
            partial(game, preset="dfq", pool_images=2048),
        ),
        StudyRow(
            "average",
            "DFQ, every other batch from the generator's average",
            partial(game, preset="dfq", generator_average=0.99),
        ),
    )


_ACCURACY = (
    Column("accuracy", "accuracy"),
    Column("retention", "retention"),
    Column("agreement with the teacher", "agreement"),
    Column("evenness of generated labels", "generated_evenness", 2),
)
_OF_DRAWN = (*_ACCURACY, Column("share of the most frequent", "generated_largest_share", 2))
_PRECISION = (
    Column("mean average precision", "mean_average_precision"),
    Column("retention", "retention"),
    Column("agreement with the teacher", "agreement"),
    Column("evenness of generated labels", "generated_evenness", 2),
)
_IOU = (
    Column("mean IoU", "mean_iou"),
    Column("retention", "retention"),
    Column("agreement with the teacher", "agreement"),
)


def _mean(row: str, key: str = "accuracy") -> Callable[[Results], float]:
    return lambda results: results.mean(row, key)


def _lead(row: str, over: str, key: str = "accuracy") -> Callable[[Results], float]:
    return lambda results: results.lead(row, over, key)


_WORDS = (
    "scikit-learn's digits, 1297 for training and 500 for evaluation, 8 × 8 pixels; "
    "batches of 128, five student steps (SGD, learning rate 0.05) per generator step (64 noise "
    "units, width 16); the rows of real images, noise and untrained generator have as many "
    "student steps as 500 adversarial steps."
)

TABLES = (
    StudyTable(
        "without_batch_norm",
        _plain_rows(),
        _ACCURACY,
        f"Teacher LeNet 16-32-64, student LeNet 8-16-32. {_WORDS}",
        (
            Bound("DFAD, 500 steps, at least 0.88", _mean("dfad"), 0.88),
            Bound("lead over noise at least 0.20", _lead("dfad", "noise"), 0.20),
            Bound(
                "lead over the untrained generator at least 0.01",
                _lead("dfad", "untrained"),
                0.01,
            ),
            Bound("DFAD, 1000 steps, at least 0.90", _mean("dfad_long"), 0.90),
            Bound(
                "lead over the untrained generator at least 0.02",
                _lead("dfad_long", "untrained"),
                0.02,
            ),
        ),
    ),
    StudyTable(
        "with_batch_norm",
        _bn_rows(),
        _OF_DRAWN,
        "Teacher LeNet 16-32-64 with batch normalization, student of three convolutions with "
        f"batch normalization (12, 24, 48) and global average pooling. {_WORDS} DFQ takes ten "
        "student steps. Generated labels are the teacher's decisions on 512 images of the "
        "generator after its last step; the share of the most frequent was measured for DFQ alone.",
        (
            Bound("DFQ at least 0.90", _mean("dfq"), 0.90),
            Bound("retention of DFQ at least 0.92", _mean("dfq", "retention"), 0.92),
            Bound("lead of DFQ over DFAD at least 0.05", _lead("dfq", "dfad"), 0.05),
            Bound(
                "evenness of the labels of DFQ at least 0.75",
                _mean("dfq", "generated_evenness"),
                0.75,
            ),
            Bound(
                "share of the most frequent label, in the worst seed, at most 0.25",
                lambda results: results.worst("dfq", "generated_largest_share"),
                high=0.25,
            ),
        ),
    ),
    StudyTable(
        "departures",
        _departure_rows(),
        _OF_DRAWN,
        "Networks, data and sizes of the table above. The generator's temperature is 1 and the pool "
        "holds the newest 2048 images, unless a row says otherwise.",
    ),
    StudyTable(
        "segmentation",
        _dense_rows(),
        _IOU,
        "Canvases of 16 × 16 pixels with up to four digits, 2000 for training and 400 for "
        "evaluation; background, ink of 0 to 4, ink of 5 to 9. U-Net of width 12, student of "
        "width 6; batches of 32, 250 adversarial steps and as many student steps in the other rows.",
        (
            Bound("DFAD with log(1 + D) at least 0.86", _mean("logarithm", "mean_iou"), 0.86),
            Bound("lead over noise at least 0.01", _lead("logarithm", "noise", "mean_iou"), 0.01),
            Bound(
                "lead over the untrained generator",
                _lead("logarithm", "untrained", "mean_iou"),
                0.0,
            ),
            Bound("lead over D", _lead("logarithm", "linear", "mean_iou"), 0.0),
        ),
    ),
    StudyTable(
        "several_labels",
        _several_rows(),
        _PRECISION,
        "Canvases of 16 × 16 pixels, each quarter with a digit or empty, 4000 for training the "
        "teacher and 800 for evaluation; ten labels, any number per image. Three 4 × 4 "
        "convolutions (16, 32, 64) with batch normalization on both sides; batches of 64, 200 "
        "adversarial steps.",
        (
            Bound("DFQ at least 0.92", _mean("dfq", "mean_average_precision"), 0.92),
            Bound(
                "lead of DFQ over DFAD at least 0.10",
                _lead("dfq", "dfad", "mean_average_precision"),
                0.10,
            ),
        ),
    ),
)

if __name__ == "__main__":
    main(Study("adversarial_distillation", TABLES))
