"""What a trained network gives to a new one where labelled images are few.

``knowledge_distillation``: a student and a hundred digits, with labels, with a teacher's answers,
and with what the teacher's maps say. ``fine_tune`` and ``linear_probe``: a network of digits 0 to
4 goes on to digits 5 to 9 of which few are labelled, cut late and early, beside the same network
from fresh weights.

    python -m benchmarks.transfers [--seeds 0 1 2] [--tables …] [--rows …]

Writes docs/results/transfers.json and the tables of the three methods' pages.
"""

from functools import partial
from typing import Any

from benchmarks.students import anchors
from benchmarks.students.nets import Net
from benchmarks.students.pictures import digits
from benchmarks.students.protocol import Bound, Column, Found, Protocol, Row, Table, main
from benchmarks.students.scenes import Numbers, Scene, of_room, of_teachers
from benchmarks.students.teaching import Recipe, teacher
from service.core.catalogue.knowledge_distillation import KnowledgeDistillationParams
from service.core.catalogue.training import Body, Student
from workers.methods.knowledge_distillation import run as distil

_FEW, _STEPS, _BATCH = 100, 600, 64
_LESSON = Recipe(_STEPS, _BATCH, change="shifts")
_TEACHER = Net("cnn", (16, 32, 32))
_LAST_MAPS = "2"


def _scene(seed: int, *, count: int | None = None) -> Scene:
    """All digits teach the teacher; ``count`` of them are there for the student."""
    split = digits()
    one = teacher(_TEACHER, split.train, name="digits", seed=seed)
    seen = split.train if count is None else split.train.first(count, seed=seed)
    return Scene((one,), Student(architecture=Body.PLAIN, width=8), split.test.exam, seen)


def _distilled(seed: int, *, count: int | None = _FEW, **knobs: Any) -> Numbers:
    scene = _scene(seed, count=count)
    params = KnowledgeDistillationParams.model_validate(
        {
            "student": scene.student,
            "budget": {"steps": _STEPS},
            "batch_size": _BATCH,
            "evaluations": 1,
            "seed": seed,
            **knobs,
        }
    )
    return of_room(distil, params, scene.with_labels)


def _supervised(seed: int, *, count: int | None = _FEW) -> Numbers:
    return anchors.supervised(_scene(seed, count=count), seed=seed, recipe=_LESSON)


def _teacher_itself(seed: int) -> Numbers:
    grades = of_teachers(_scene(seed))
    return {name.removeprefix("teacher_"): value for name, value in grades.items()}


_ATTENTION: dict[str, Any] = {"attention_weight": 1000, "teacher_layer": _LAST_MAPS}
_FEATURE: dict[str, Any] = {"feature_weight": 1}
_DISTILLATION = (
    Row("teacher", "teacher, 1297 labelled digits", _teacher_itself),
    Row("labels", "student, 100 labelled digits", _supervised),
    Row("soft", "**soft targets** on these 100, no label", _distilled),
    Row("soft_labels", "soft targets and labels", partial(_distilled, label_weight=1)),
    Row("attention", "soft targets and attention", partial(_distilled, **_ATTENTION)),
    Row("feature", "soft targets and features", partial(_distilled, **_FEATURE)),
    Row("labels_all", "student, 1297 labelled digits", partial(_supervised, count=None)),
    Row("soft_all", "**soft targets** on these 1297, no label", partial(_distilled, count=None)),
)
_ACCURACY = (
    Column("accuracy", "accuracy"),
    Column("retention", "retention"),
    Column("agreement with the teacher", "agreement"),
)


def _lead(row: str, over: str) -> Any:
    def value(found: Found) -> float:
        return found.lead(row, over, "accuracy")

    return value


TABLES = (
    Table(
        "distillation",
        _DISTILLATION,
        _ACCURACY,
        "scikit-learn's digits of 8 × 8 pixels, 500 that judge. Teacher of three normalised "
        "convolutions 16-32-32, student of 8-16-32; 600 steps of 64 images with shifts of one "
        "pixel in every row; the 100 digits are drawn by the seed. Soft targets at temperature 4; "
        "attention (weight 1000) at the teacher's last maps, features (weight 1) at its feature "
        "layer.",
        (
            Bound("soft targets over labels, 100 digits", _lead("soft", "labels"), 0.0),
            Bound("attention over soft targets alone", _lead("attention", "soft"), 0.0),
            Bound("features over soft targets alone", _lead("feature", "soft"), 0.0),
        ),
        page="methods/knowledge_distillation.md",
    ),
)

if __name__ == "__main__":
    main(Protocol("transfers", TABLES))
