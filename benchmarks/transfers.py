"""What a trained network gives to a new one where labeled images are few.

``knowledge_distillation``: a student and a hundred digits, with labels, with a teacher's answers,
and with what the teacher's maps say. ``fine_tune`` and ``linear_probe``: a network of digits 0 to
4 goes on to digits 5 to 9 of which few are labeled, cut late and early, beside the same network
from fresh weights.

    python -m benchmarks.transfers [--seeds 0 1 2] [--tables …] [--rows …]

Writes docs/results/transfers.json and the tables of the three methods' pages.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch

from benchmarks.students import anchors
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import LabeledPictures, Split, digits, names
from benchmarks.students.protocol import Bound, Column, Results, Study, StudyRow, StudyTable, main
from benchmarks.students.scenes import MethodRun, Numbers, Scene, of_method, of_teachers
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
_RECIPE = Recipe(_STEPS, _BATCH, change="shifts")
_TEACHER = NetSpec("cnn", (16, 32, 32))
_MARGIN = 2
_EARLY, _LAST_MAPS = "1", "2"
_LABELED, _FEW_STEPS, _FEW_BATCH = 50, 300, 32


@cache
def _digits() -> Split:
    """Digits with a margin of two pixels, because these methods shift what they show."""
    split = digits()
    return Split(split.train.padded(_MARGIN), split.test.padded(_MARGIN))


def _scene(seed: int, *, count: int | None = None) -> Scene:
    """All digits teach the teacher; ``count`` of them are there for the student."""
    split = _digits()
    digit_teacher = teacher(_TEACHER, split.train, name="digits", seed=seed)
    student_pictures = split.train if count is None else split.train.first(count, seed=seed)
    return Scene(
        (digit_teacher,),
        Student(architecture=StudentArchitecture.PLAIN, width=8),
        split.test.evaluation_set,
        student_pictures,
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
    return of_method(distil, params, scene.with_labels)


def _supervised(seed: int, *, count: int | None = _FEW) -> Numbers:
    return anchors.supervised(_scene(seed, count=count), seed=seed, recipe=_RECIPE)


def _teacher_itself(seed: int) -> Numbers:
    scores = of_teachers(_scene(seed))
    return {name.removeprefix("teacher_"): value for name, value in scores.items()}


_ATTENTION: dict[str, Any] = {"attention_weight": 1, "teacher_layer": _LAST_MAPS}
_FEATURE: dict[str, Any] = {"feature_weight": 1}
_DISTILLATION = (
    StudyRow("teacher", "teacher, 1297 labeled digits", _teacher_itself),
    StudyRow("labels", "student, 100 labeled digits", _supervised),
    StudyRow("soft", "**soft targets** on the same 100, no labels", _distilled),
    StudyRow("soft_labels", "soft targets and labels", partial(_distilled, label_weight=1)),
    StudyRow("attention", "soft targets and attention", partial(_distilled, **_ATTENTION)),
    StudyRow("feature", "soft targets and features", partial(_distilled, **_FEATURE)),
    StudyRow("labels_all", "student, 1297 labeled digits", partial(_supervised, count=None)),
    StudyRow(
        "soft_all", "**soft targets** on the same 1297, no labels", partial(_distilled, count=None)
    ),
)


def _few_others(seed: int, count: int = _LABELED) -> LabeledPictures:
    """Labeled digits 5 to 9, drawn by the seed."""
    return _digits().train.only(names(range(5, 10))).first(count, seed=seed)


def _source(seed: int, recipe: Recipe = TEACHING, *, count: int = _LABELED) -> ImageInputs:
    """A network of digits 0 to 4 and few digits 5 to 9 to go on with."""
    split, few = _digits(), _few_others(seed, count)
    learned = split.train.only(names(range(5)))
    spec = split.train.spec
    digit_teacher = teacher(_TEACHER, learned, name="0 to 4", seed=seed, recipe=recipe, spec=spec)
    return ImageInputs(
        name="student",
        teachers=(digit_teacher,),
        evaluation_set=split.test.only(few.labels).evaluation_set,
        images=few.frames,
        labels=few.truth,
        label_names=few.labels,
    )


def _gone_on(
    method: MethodRun,
    params: type[TransferTrainingConfig],
    seed: int,
    *,
    recipe: Recipe = TEACHING,
    **knobs: Any,
) -> Numbers:
    config = {"budget": {"steps": _FEW_STEPS}, "batch_size": _FEW_BATCH, "num_evaluations": 1}
    made = params.model_validate({**config, "seed": seed, **knobs})
    return of_method(method, made, _source(seed, recipe))


def _turned(seed: int, count: int) -> ImageInputs:
    """A network of turned digits in light for dark, and few upright ones."""
    split = _digits()
    few, turned = split.train.first(count, seed=seed), split.train.turned()
    digit_teacher = teacher(_TEACHER, turned, name="turned", seed=seed, spec=split.train.spec)
    return ImageInputs(
        name="student",
        teachers=(digit_teacher,),
        evaluation_set=split.test.evaluation_set,
        images=few.frames,
        labels=few.truth,
        label_names=few.labels,
    )


def _at_rate(
    seed: int, *, start: Callable[[int, int], ImageInputs], count: int, rate: float
) -> Numbers:
    config = {"budget": {"steps": _FEW_STEPS}, "batch_size": _FEW_BATCH, "num_evaluations": 1}
    params = FineTuneParams.model_validate({**config, "seed": seed, "body_rate": rate})
    return of_method(fine_tune, params, start(seed, count))


_STARTS: tuple[tuple[str, str, Callable[[int, int], ImageInputs]], ...] = (
    ("others", "0 to 4, then 5 to 9", lambda seed, count: _source(seed, count=count)),
    ("turned", "turned digits, then upright ones", _turned),
)
_BODY_RATES = tuple(
    StudyRow(
        f"{key}_{count}_{rate}",
        f"{title}, {count} labeled: `body_rate` {rate}",
        partial(_at_rate, start=start, count=count, rate=rate),
    )
    for key, title, start in _STARTS
    for count in (50, 200)
    for rate in (0.1, 0.3, 1.0)
)

_tuned = partial(_gone_on, fine_tune, FineTuneParams)
_probed = partial(_gone_on, linear_probe, LinearProbeParams)
_NOTHING = Recipe(steps=0)


def _from_scratch(seed: int) -> Numbers:
    split, few = _digits(), _few_others(seed)
    test, spec = split.test.only(few.labels), split.train.spec
    network = _TEACHER.made(len(few.labels), side=spec.height, seed=seed)
    recipe = Recipe(_FEW_STEPS, _FEW_BATCH, change="shifts")
    learn_labels(network, few, spec=spec, recipe=recipe, seed=seed)
    with torch.no_grad():
        logits = network.eval()(to_network_input(test.frames, Preprocessing.of(spec)))
    return {"accuracy": float((logits.argmax(dim=1) == test.truth).float().mean())}


_SCRATCH = StudyRow("scratch", "the same network from random weights", _from_scratch)
_FINE_TUNE = (
    _SCRATCH,
    StudyRow("late", "**cut at the feature layer**", _tuned),
    StudyRow("early", "cut after the second convolution", partial(_tuned, layer=_EARLY)),
    StudyRow(
        "slow",
        "cut at the feature layer, the body at a tenth of the head's learning rate",
        partial(_tuned, body_rate=0.1),
    ),
)
_LINEAR_PROBE = (
    _SCRATCH,
    StudyRow("late", "**cut at the feature layer**", _probed),
    StudyRow("early", "cut after the second convolution", partial(_probed, layer=_EARLY)),
    StudyRow(
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


def _lead(row: str, over: str) -> Callable[[Results], float]:
    return lambda results: results.lead(row, over, "accuracy")


TABLES = (
    StudyTable(
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
    StudyTable(
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
    StudyTable(
        "body_rate",
        _BODY_RATES,
        (Column("accuracy", "accuracy"),),
        "The digits of the table above, cut at the feature layer; 300 steps of 32 images.",
        (),
        page="methods/fine_tune.md",
    ),
    StudyTable(
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
    main(Study("transfers", TABLES))
