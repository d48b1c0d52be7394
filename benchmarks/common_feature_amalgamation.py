"""What do common features add to answers? Two networks, each with its own five digits.

One is a plain convolutional network that knows 0 to 4, the other a residual one of another build
that knows 5 to 9. A smaller student learns both from images without labels: all of the training
digits, or 150 of them.

    python -m benchmarks.common_feature_amalgamation --seeds 0 1 2 [--rows published …]
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from benchmarks.students.anchors import supervised
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import digits, names
from benchmarks.students.protocol import Bound, Column, Results, Study, StudyRow, StudyTable, main
from benchmarks.students.scenes import Numbers, Scene, of_method, of_teachers
from benchmarks.students.teaching import Recipe, teacher
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
        teacher(NetSpec("cnn", (16, 32, 32)), train.only(LOW), name="low", seed=seed),
        teacher(NetSpec("res", (20,)), train.only(HIGH), name="high", seed=seed),
    )


def scene(seed: int, *, images: int | None = None) -> Scene:
    """Both teachers, a student for all digits, and so many unlabeled images."""
    train = digits().train
    learned = train if images is None else train.first(images, seed=seed)
    return Scene(teachers(seed), STUDENT, digits().test.evaluation_set, learned)


def amalgamated(seed: int, *, images: int | None = None, **more: Any) -> Numbers:
    """The room's numbers, and how far its last losses fell below its first ones."""
    params = CommonFeatureAmalgamationParams.model_validate(_config(seed, images) | more)
    reporter = RecordingReporter()
    numbers = of_method(
        lambda i, p, _: run(i, p, reporter), params, scene(seed, images=images).with_images
    )
    first, last = reporter.measurements[0][1], reporter.measurements[-1][1]
    fell = {
        f"{name}_fell": last[f"{name}_loss"] / first[f"{name}_loss"]
        for name in ("common", "reconstruction")
        if first.get(f"{name}_loss", 0) > 0
    }
    return numbers | fell


def distilled(seed: int, *, images: int | None = None) -> Numbers:
    """The numbers of the method that takes answers alone, its own optimizer and all."""
    params = KnowledgeDistillationParams.model_validate(_config(seed, images) | {"temperature": 1})
    return of_method(distil, params, scene(seed, images=images).with_images)


def _config(seed: int, images: int | None) -> dict[str, Any]:
    steps = STEPS_ON_ALL if images is None else STEPS_ON_FEW
    return {"student": STUDENT, "budget": {"steps": steps}, "num_evaluations": 25, "seed": seed}


@dataclass(frozen=True)
class MatchScene:
    """A set-up for the comparison of outputs: which digits each teacher has, and how long it learned."""

    title: str
    low: range
    high: range
    steps_of_high: int
    images: int | None

    def at(self, seed: int) -> Scene:
        """Both teachers, the student and its images."""
        train = digits().train
        short = Recipe(steps=self.steps_of_high)
        both = (
            teacher(
                NetSpec("cnn", (16, 32, 32)), train.only(names(self.low)), name="low", seed=seed
            ),
            teacher(
                NetSpec("res", (20,)),
                train.only(names(self.high)),
                name="high",
                seed=seed,
                recipe=short,
            ),
        )
        learned = train if self.images is None else train.first(self.images, seed=seed)
        return Scene(both, STUDENT, digits().test.evaluation_set, learned)


MATCH_SCENES = {
    "halves": MatchScene("halves", range(5), range(5, 10), 800, None),
    "few": MatchScene("halves, 150 images", range(5), range(5, 10), 800, FEW),
    "short": MatchScene("halves, the second learned 60 steps", range(5), range(5, 10), 60, None),
    "shared": MatchScene("0 to 6 and 3 to 9", range(7), range(3, 10), 800, None),
}
MATCHES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("probabilities", "`probabilities`, `fitted`", {}),
    ("probabilities_raw", "`probabilities`, `as_taught`", {"loudness": "as_taught"}),
    ("logits", "`logits`, `fitted`", {"shared_labels": "logits"}),
    (
        "logits_raw",
        "`logits`, `as_taught`",
        {"shared_labels": "logits", "loudness": "as_taught"},
    ),
    ("apart", "`apart`", {"match": "apart"}),
)


def matched(seed: int, setup: MatchScene, **more: Any) -> Numbers:
    """The student of outputs alone, with the worse of its retentions."""
    config = _config(seed, FEW) | ANSWERS_ALONE | more
    params = CommonFeatureAmalgamationParams.model_validate(config)
    numbers = of_method(run, params, setup.at(seed).with_images)
    worse = min(numbers["retention_1"], numbers["retention_2"])
    return numbers | {"worse_retention": worse}


def _match_rows() -> tuple[StudyRow, ...]:
    return tuple(
        StudyRow(
            f"{scene_key}_{key}", f"{setup.title}: {title}", partial(matched, setup=setup, **more)
        )
        for scene_key, setup in MATCH_SCENES.items()
        for key, title, more in MATCHES
    )


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


def _rows(images: int | None) -> tuple[StudyRow, ...]:
    anchors = (
        StudyRow(
            "teachers", "teachers side by side", lambda s: _as_student(of_teachers(scene(s)))
        ),
        StudyRow(
            "supervised",
            "labels of the same images (anchor)",
            lambda s: supervised(scene(s, images=images), seed=s),
        ),
        StudyRow(
            "distilled",
            "`knowledge_distillation` at temperature 1",
            partial(distilled, images=images),
        ),
    )
    return anchors + tuple(
        StudyRow(key, title, partial(amalgamated, images=images, **more))
        for key, title, more in VARIANTS
    )


def _as_student(numbers: Numbers) -> Numbers:
    """The teachers' measures in the columns of a student."""
    tasks = {f"task_{n}_accuracy": numbers[f"teacher_{n}_accuracy"] for n in (1, 2)}
    return {"accuracy": numbers["merged_accuracy"], **tasks}


COLUMNS = (
    Column("all ten digits", "accuracy"),
    Column("0-4 among themselves", "task_1_accuracy"),
    Column("5-9 among themselves", "task_2_accuracy"),
    Column("retention 0-4", "retention_1"),
    Column("retention 5-9", "retention_2"),
)


def _worse_retention(row: str, results: Results) -> float:
    return min(results.mean(row, "retention_1"), results.mean(row, "retention_2"))


def _of_merged(results: Results) -> float:
    return results.mean("published", "accuracy") / results.mean("teachers", "accuracy")


def _worse_lead(results: Results) -> float:
    keys = ("task_1_accuracy", "task_2_accuracy")
    return min(results.lead("published", "answers", key) for key in keys)


BOUNDS = (
    Bound(
        "retention, the worse task, at least 0.95", partial(_worse_retention, "published"), 0.95
    ),
    Bound(
        "all ten digits as a share of the teachers side by side, at least 0.90", _of_merged, 0.90
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
    StudyTable(
        "all_images", _rows(None), COLUMNS, f"{WORDS} 1 297 images, {STEPS_ON_ALL} steps.", BOUNDS
    ),
    StudyTable(
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
    StudyTable(
        "match",
        _match_rows(),
        (
            Column("all ten digits", "accuracy"),
            Column("worse retention", "worse_retention"),
            Column("first teacher's digits", "task_1_accuracy"),
            Column("second teacher's digits", "task_2_accuracy"),
        ),
        f"Accuracy on 500 test digits by the comparison of outputs, outputs alone, {STEPS_ON_FEW}"
        " steps of 64 images. Teachers: CNN (16, 32, 32) and Res (20), student: plain (12).",
        (),
    ),
)

if __name__ == "__main__":
    main(Study("common_feature_amalgamation", TABLES))
