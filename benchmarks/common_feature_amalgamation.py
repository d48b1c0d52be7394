"""What do common features add to answers? Two networks, each with its own five digits.

One is a plain convolutional network that knows 0 to 4, the other a residual one of another build
that knows 5 to 9. A smaller student learns both from images without labels: all of the training
digits, or 150 of them.

    python -m benchmarks.common_feature_amalgamation --seeds 0 1 2 [--rows published …]
"""

from functools import cache, partial
from typing import Any

from benchmarks.students.anchors import supervised
from benchmarks.students.nets import Net
from benchmarks.students.pictures import digits, names
from benchmarks.students.protocol import Bound, Column, Found, Protocol, Row, Table, main
from benchmarks.students.scenes import Numbers, Scene, of_method, of_teachers
from benchmarks.students.teaching import teacher
from service.core.catalog.common_feature_amalgamation import CommonFeatureAmalgamationParams
from service.core.catalog.knowledge_distillation import KnowledgeDistillationParams
from service.core.catalog.training import Student, StudentArchitecture
from workers.methods.common_feature_amalgamation import run
from workers.methods.knowledge_distillation import run as distil
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.teachers import Teacher

LOW, HIGH = names(range(5)), names(range(5, 10))
FEW = 150
STEPS_ON_ALL, STEPS_ON_FEW = 500, 200
STUDENT = Student(architecture=StudentArchitecture.PLAIN, width=12)
ANSWERS_ALONE = {"common_weight": 0, "reconstruction_weight": 0}


@cache
def teachers(seed: int) -> tuple[Teacher, ...]:
    """One for each half of the digits."""
    train = digits().train
    return (
        teacher(Net("cnn", (16, 32, 32)), train.only(LOW), name="low", seed=seed),
        teacher(Net("res", (20,)), train.only(HIGH), name="high", seed=seed),
    )


def scene(seed: int, *, images: int | None = None) -> Scene:
    """Both teachers, a student for all digits, and so many unlabeled images."""
    train = digits().train
    learned = train if images is None else train.first(images, seed=seed)
    return Scene(teachers(seed), STUDENT, digits().test.evaluation_set, learned)


def amalgamated(seed: int, *, images: int | None = None, **more: Any) -> Numbers:
    """The room's numbers, and how far its last losses fell below its first ones."""
    params = CommonFeatureAmalgamationParams.model_validate(_config(seed, images) | more)
    diary = RecordingReporter()
    found = of_method(
        lambda i, p, _: run(i, p, diary), params, scene(seed, images=images).with_images
    )
    first, last = diary.measurements[0][1], diary.measurements[-1][1]
    fell = {
        f"{name}_fell": last[f"{name}_loss"] / first[f"{name}_loss"]
        for name in ("common", "reconstruction")
        if first.get(f"{name}_loss", 0) > 0
    }
    return found | fell


def distilled(seed: int, *, images: int | None = None) -> Numbers:
    """The numbers of the method that takes answers alone, its own optimizer and all."""
    params = KnowledgeDistillationParams.model_validate(_config(seed, images) | {"temperature": 1})
    return of_method(distil, params, scene(seed, images=images).with_images)


def _config(seed: int, images: int | None) -> dict[str, Any]:
    steps = STEPS_ON_ALL if images is None else STEPS_ON_FEW
    return {"student": STUDENT, "budget": {"steps": steps}, "num_evaluations": 25, "seed": seed}


VARIANTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("answers", "outputs alone (1, 0, 0)", ANSWERS_ALONE),
    ("published", "**outputs, common features, reconstruction (1, 1, 1)**", {}),
    (
        "plain",
        "the same without normalization in the common space",
        {"common_normalization": "none"},
    ),
    ("unbuilt", "without reconstruction (1, 1, 0)", {"reconstruction_weight": 0}),
    ("apart", "without common features (1, 0, 1)", {"common_weight": 0}),
    ("heavy", "heavy features (1, 10, 10)", {"common_weight": 10, "reconstruction_weight": 10}),
    ("light", "light common features (1, 0.1, 1)", {"common_weight": 0.1}),
    ("relative", "bandwidths relative to the batch's mean distance", {"bandwidths": "relative"}),
    ("softmaxes", "one softmax per teacher", {"match": "apart"}),
    (
        "softmaxes_alone",
        "one softmax per teacher, outputs alone",
        {"match": "apart", **ANSWERS_ALONE},
    ),
    ("squared", "squared distance of logits", {"match": "squared"}),
    (
        "squared_alone",
        "squared distance of logits, outputs alone",
        {"match": "squared", **ANSWERS_ALONE},
    ),
)


def _rows(images: int | None) -> tuple[Row, ...]:
    anchors = (
        Row("teachers", "teachers side by side", lambda s: _as_student(of_teachers(scene(s)))),
        Row(
            "supervised",
            "labels of the same images (anchor)",
            lambda s: supervised(scene(s, images=images), seed=s),
        ),
        Row(
            "distilled",
            "`knowledge_distillation` at temperature 1",
            partial(distilled, images=images),
        ),
    )
    return anchors + tuple(
        Row(key, title, partial(amalgamated, images=images, **more))
        for key, title, more in VARIANTS
    )


def _as_student(found: Numbers) -> Numbers:
    """The teachers' measures in the columns of a student."""
    tasks = {f"task_{n}_accuracy": found[f"teacher_{n}_accuracy"] for n in (1, 2)}
    return {"accuracy": found["ceiling"], **tasks}


COLUMNS = (
    Column("all ten digits", "accuracy"),
    Column("0-4 among themselves", "task_1_accuracy"),
    Column("5-9 among themselves", "task_2_accuracy"),
    Column("retention 0-4", "retention_1"),
    Column("retention 5-9", "retention_2"),
)


def _worse_retention(row: str, found: Found) -> float:
    return min(found.mean(row, "retention_1"), found.mean(row, "retention_2"))


def _of_ceiling(found: Found) -> float:
    return found.mean("published", "accuracy") / found.mean("teachers", "accuracy")


def _worse_lead(found: Found) -> float:
    keys = ("task_1_accuracy", "task_2_accuracy")
    return min(found.lead("published", "answers", key) for key in keys)


BOUNDS = (
    Bound(
        "retention, the worse task, at least 0.95", partial(_worse_retention, "published"), 0.95
    ),
    Bound(
        "all ten digits as a share of the teachers side by side, at least 0.90", _of_ceiling, 0.90
    ),
    Bound("lead over outputs alone, the worse task, at least -0.03", _worse_lead, -0.03),
    Bound(
        "common features' loss, last over first evaluation, at most 0.5",
        lambda f: f.mean("published", "common_fell"),
        high=0.5,
    ),
    Bound(
        "reconstruction's loss, last over first evaluation, at most 0.5",
        lambda f: f.mean("published", "reconstruction_fell"),
        high=0.5,
    ),
)
WORDS = (
    "Accuracy on 500 test digits: among all ten, and on each teacher's digits among its five"
    " labels. Teachers: CNN (16, 32, 32) on 0-4, Res (20) on 5-9; student: plain (12); 64 images"
    " per step."
)
TABLES = (
    Table(
        "all_images", _rows(None), COLUMNS, f"{WORDS} 1 297 images, {STEPS_ON_ALL} steps.", BOUNDS
    ),
    Table(
        "few_images",
        _rows(FEW),
        COLUMNS,
        f"{WORDS} {FEW} images, {STEPS_ON_FEW} steps.",
        (
            Bound(
                "retention, the worse task, at least 0.83",
                partial(_worse_retention, "published"),
                0.83,
            ),
        ),
    ),
)

if __name__ == "__main__":
    main(Protocol("common_feature_amalgamation", TABLES))
