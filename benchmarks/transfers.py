"""What a trained network gives to a new one where labelled images are few.

``knowledge_distillation``: a student and a hundred digits, with labels, with a teacher's answers,
and with what the teacher's maps say. ``fine_tune`` and ``linear_probe``: a network of digits 0 to
4 goes on to digits 5 to 9 of which few are labelled, cut late and early, beside the same network
from fresh weights.

    python -m benchmarks.transfers [--seeds 0 1 2] [--tables …] [--rows …]

Writes docs/results/transfers.json and the tables of the three methods' pages.
"""

from functools import cache, partial
from typing import Any

import torch

from benchmarks.students import anchors
from benchmarks.students.nets import Net
from benchmarks.students.pictures import Pictures, Split, digits, names
from benchmarks.students.protocol import Bound, Column, Found, Protocol, Row, Table, main
from benchmarks.students.scenes import Numbers, Room, Scene, of_room, of_teachers
from benchmarks.students.teaching import TEACHING, Recipe, learn_labels, teacher
from service.core.catalog.fine_tune import FineTuneParams
from service.core.catalog.knowledge_distillation import KnowledgeDistillationParams
from service.core.catalog.linear_probe import LinearProbeParams
from service.core.catalog.training import Student, StudentArchitecture, TransferTrainingConfig
from workers.methods.fine_tune import run as fine_tune
from workers.methods.knowledge_distillation import run as distil
from workers.methods.linear_probe import run as linear_probe
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.training.task import ImageInputs

_FEW, _STEPS, _BATCH = 100, 1200, 64
_LESSON = Recipe(_STEPS, _BATCH, change="shifts")
_TEACHER = Net("cnn", (16, 32, 32))
_MARGIN = 2
_EARLY, _LAST_MAPS = "1", "2"
_LABELLED, _FEW_STEPS, _FEW_BATCH = 50, 300, 32


@cache
def _digits() -> Split:
    """Digits with a margin of two pixels, because these rooms shift what they show."""
    split = digits()
    return Split(split.train.padded(_MARGIN), split.test.padded(_MARGIN))


def _scene(seed: int, *, count: int | None = None) -> Scene:
    """All digits teach the teacher; ``count`` of them are there for the student."""
    split = _digits()
    one = teacher(_TEACHER, split.train, name="digits", seed=seed)
    seen = split.train if count is None else split.train.first(count, seed=seed)
    return Scene(
        (one,),
        Student(architecture=StudentArchitecture.PLAIN, width=8),
        split.test.evaluation_set,
        seen,
    )


def _distilled(seed: int, *, count: int | None = _FEW, **knobs: Any) -> Numbers:
    scene = _scene(seed, count=count)
    params = KnowledgeDistillationParams.model_validate(
        {
            "student": scene.student,
            "budget": {"steps": _STEPS},
            "batch_size": _BATCH,
            "num_evaluations": 1,
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


_ATTENTION: dict[str, Any] = {"attention_weight": 1, "teacher_layer": _LAST_MAPS}
_FEATURE: dict[str, Any] = {"feature_weight": 1}
_DISTILLATION = (
    Row("teacher", "teacher, 1297 labeled digits", _teacher_itself),
    Row("labels", "student, 100 labeled digits", _supervised),
    Row("soft", "**soft targets** on the same 100, no labels", _distilled),
    Row("soft_labels", "soft targets and labels", partial(_distilled, label_weight=1)),
    Row("attention", "soft targets and attention", partial(_distilled, **_ATTENTION)),
    Row("feature", "soft targets and features", partial(_distilled, **_FEATURE)),
    Row("labels_all", "student, 1297 labeled digits", partial(_supervised, count=None)),
    Row(
        "soft_all", "**soft targets** on the same 1297, no labels", partial(_distilled, count=None)
    ),
)


def _few_others(seed: int) -> Pictures:
    """Labelled digits 5 to 9, drawn by the seed."""
    return _digits().train.only(names(range(5, 10))).first(_LABELLED, seed=seed)


def _source(seed: int, recipe: Recipe = TEACHING) -> ImageInputs:
    """A network of digits 0 to 4 and few digits 5 to 9 to go on with."""
    split, seen = _digits(), _few_others(seed)
    learned = split.train.only(names(range(5)))
    spec = split.train.spec
    one = teacher(_TEACHER, learned, name="0 to 4", seed=seed, recipe=recipe, spec=spec)
    return ImageInputs(
        name="student",
        teachers=(one,),
        evaluation_set=split.test.only(seen.labels).evaluation_set,
        images=seen.frames,
        labels=seen.truth,
        label_names=seen.labels,
    )


def _gone_on(
    room: Room,
    params: type[TransferTrainingConfig],
    seed: int,
    *,
    recipe: Recipe = TEACHING,
    **knobs: Any,
) -> Numbers:
    course = {"budget": {"steps": _FEW_STEPS}, "batch_size": _FEW_BATCH, "num_evaluations": 1}
    made = params.model_validate({**course, "seed": seed, **knobs})
    return of_room(room, made, _source(seed, recipe))


_tuned = partial(_gone_on, fine_tune, FineTuneParams)
_probed = partial(_gone_on, linear_probe, LinearProbeParams)
_NOTHING = Recipe(steps=0)


def _from_scratch(seed: int) -> Numbers:
    split, seen = _digits(), _few_others(seed)
    test, spec = split.test.only(seen.labels), split.train.spec
    network = _TEACHER.made(len(seen.labels), side=spec.height, seed=seed)
    recipe = Recipe(_FEW_STEPS, _FEW_BATCH, change="shifts")
    learn_labels(network, seen, spec=spec, recipe=recipe, seed=seed)
    with torch.no_grad():
        logits = network.eval()(to_network_input(test.frames, Preprocessing.of(spec)))
    return {"accuracy": float((logits.argmax(dim=1) == test.truth).float().mean())}


_SCRATCH = Row("scratch", "the same network from random weights", _from_scratch)
_FINE_TUNE = (
    _SCRATCH,
    Row("late", "**cut at the feature layer**", _tuned),
    Row("early", "cut after the second convolution", partial(_tuned, layer=_EARLY)),
    Row(
        "as_fast",
        "cut at the feature layer, body and head at one learning rate",
        partial(_tuned, body_rate=1),
    ),
)
_LINEAR_PROBE = (
    _SCRATCH,
    Row("late", "**cut at the feature layer**", _probed),
    Row("early", "cut after the second convolution", partial(_probed, layer=_EARLY)),
    Row(
        "nothing",
        "an untrained source, cut at the feature layer",
        partial(_probed, recipe=_NOTHING),
    ),
)
_ONLY_ACCURACY = (Column("accuracy on digits 5 to 9", "accuracy"),)
_FROM_LOW_TO_HIGH = (
    "scikit-learn's digits of 8 × 8 pixels in frames of 12 × 12. Source: three convolutions with batch "
    "normalization 16-32-32, trained on digits 0 to 4; then 50 labeled digits 5 to 9, drawn by "
    "the seed; evaluated on the test digits 5 to 9. 300 steps of 32 images."
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
        "scikit-learn's digits of 8 × 8 pixels in frames of 12 × 12, 500 for evaluation. "
        "Teacher of three convolutions with batch normalization 16-32-32, student of 8-16-32; 1200 steps of 64 images with shifts of one "
        "pixel in every row; the 100 digits are drawn by the seed. Soft targets at temperature 4; "
        "attention (weight 1) at the teacher's last maps, features (weight 1) at its feature "
        "layer.",
        (
            Bound("lead of soft targets over labels, 100 digits", _lead("soft", "labels"), 0.0),
            Bound("lead of attention over soft targets alone", _lead("attention", "soft"), 0.0),
            Bound("lead of features over soft targets alone", _lead("feature", "soft"), 0.0),
        ),
        page="methods/knowledge_distillation.md",
    ),
    Table(
        "fine_tune",
        _FINE_TUNE,
        _ONLY_ACCURACY,
        _FROM_LOW_TO_HIGH,
        (
            Bound(
                "lead of the cut at the feature layer over random weights",
                _lead("late", "scratch"),
                0.0,
            ),
            Bound("lead of the late cut over the early cut", _lead("late", "early"), 0.0),
        ),
        page="methods/fine_tune.md",
    ),
    Table(
        "linear_probe",
        _LINEAR_PROBE,
        _ONLY_ACCURACY,
        _FROM_LOW_TO_HIGH,
        (
            Bound(
                "lead of the cut at the feature layer over random weights",
                _lead("late", "scratch"),
                0.0,
            ),
            Bound(
                "lead of the cut at the feature layer over an untrained source",
                _lead("late", "nothing"),
                0.0,
            ),
            Bound("lead of the late cut over the early cut", _lead("late", "early"), 0.0),
        ),
        page="methods/linear_probe.md",
    ),
)

if __name__ == "__main__":
    main(Protocol("transfers", TABLES))
