"""Two networks become one without any image, beside labels, real images and noise.

Canvases with several digits for networks that name all they see, single digits for networks that
name one. Rows of a seed have the same teachers and start from the same fresh student.

    python -m benchmarks.dual_gan_amalgamation [--seeds 0 1 2] [--tables …] [--rows …]

Writes docs/results/dual_gan_amalgamation.json and the tables of
docs/methods/dual_gan_amalgamation.md.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.students import anchors
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import digits, names, several
from benchmarks.students.protocol import Bound, Column, Results, Study, StudyRow, StudyTable, main
from benchmarks.students.scenes import Numbers, Scene, of_method, of_teachers
from benchmarks.students.teaching import Recipe, teacher
from service.core.catalog.dual_gan_amalgamation import DualGanAmalgamationParams
from service.core.catalog.training import Student, StudentArchitecture
from workers.methods.dual_gan_amalgamation import run
from workers.methods.dual_gan_amalgamation.dual import DualLearner
from workers.methods.dual_gan_amalgamation.parts import GeneratorParts
from workers.methods.dual_gan_amalgamation.setup import setup_for
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.training.generators import image_generator
from workers.torchkit.training.loop import cosine

_BATCH = 64
_STACKED, _SIDE_BY_SIDE, _DISJOINT = 1400, 300, 400
_BLOCK, _HEAD, _TOGETHER = 200, 100, 300
_ANCHOR = Recipe(_SIDE_BY_SIDE * 5, _BATCH, 0.05, "sgd")
_DISJOINT_ANCHOR = Recipe(_DISJOINT * 5, _BATCH, 0.05, "sgd")
_HALVES = (("low", range(5)), ("high", range(5, 10)))


def _canvases(seed: int) -> Scene:
    """Teachers that know half of the digits each, and name all they see."""
    split, net = several(), NetSpec("strided", (16, 32, 64))
    both = tuple(
        teacher(net, split.train.only(names(numbers)), name=name, seed=seed)
        for name, numbers in _HALVES
    )
    student = Student(architecture=StudentArchitecture.STRIDED, width=16)
    return Scene(both, student, split.test.evaluation_set, split.train)


def _digits(seed: int) -> Scene:
    """Teachers of two builds that know half of the digits each, and name one."""
    split = digits()
    nets = (NetSpec("cnn", (16, 32, 32)), NetSpec("res", (20,)))
    both = tuple(
        teacher(net, split.train.only(names(numbers)), name=name, seed=seed)
        for net, (name, numbers) in zip(nets, _HALVES, strict=True)
    )
    return Scene(
        both,
        Student(architecture=StudentArchitecture.PLAIN, width=12),
        split.test.evaluation_set,
        split.train,
    )


def _room(scene_of: Callable[[int], Scene], steps: int, seed: int, **knobs: Any) -> Numbers:
    scene = scene_of(seed)
    params = DualGanAmalgamationParams.model_validate(
        {
            "student": scene.student,
            "budget": {"steps": steps},
            "batch_size": _BATCH,
            "noise_units": 64,
            "generator_width": 16,
            "num_evaluations": 1,
            "checkpoint_interval_seconds": 60,
            "seed": seed,
            **knobs,
        }
    )
    return of_method(run, params, scene.alone)


def _blockwise(seed: int, draw_of: Callable[[Scene, torch.Generator], Any]) -> Numbers:
    """Blocks one after the other, head, then all, on images that no stack of groups drew."""
    scene = _canvases(seed)
    params = DualGanAmalgamationParams(student=scene.student, seed=seed)
    setup = setup_for(scene.alone, params)
    draw = draw_of(scene, setup.generator)
    dual = DualLearner(setup, GeneratorParts(setup, [0, 1]))
    for number in range(1, dual.count + 1):
        _learn(dual.learning(number), partial(_block_loss, dual, number, draw), _BLOCK)
    _learn([setup.student.head], lambda: dual.head_loss(draw()), _HEAD)
    _learn([setup.student], lambda: dual.whole_loss(draw()), _TOGETHER)
    return scene.graded(setup.student)


def _block_loss(dual: DualLearner, number: int, draw: Callable[[], Tensor]) -> Tensor:
    return dual.block_losses(number, (draw(),)).sum()


def _learn(modules: list[nn.Module], loss_of: Callable[[], Tensor], steps: int) -> None:
    learning = [parameter for module in modules for parameter in module.parameters()]
    optimizer = torch.optim.Adam(learning, betas=(0.5, 0.999))
    rate = 5e-3
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * cosine(step / steps)
        optimizer.zero_grad()
        loss_of().backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _real(scene: Scene, generator: torch.Generator) -> Callable[[], Tensor]:
    images = to_network_input(scene.images.frames, Preprocessing.of(scene.spec))
    return lambda: images[torch.randint(len(images), (_BATCH,), generator=generator)]


def _noise(scene: Scene, generator: torch.Generator) -> Callable[[], Tensor]:
    shape = (_BATCH, scene.spec.channels, scene.spec.height, scene.spec.width)
    return lambda: torch.randn(shape, generator=generator)


def _untrained(scene: Scene, generator: torch.Generator) -> Callable[[], Tensor]:
    made = image_generator(scene.spec, noise_units=64, width=16, generator=generator)

    def drawn() -> Tensor:
        with torch.no_grad():
            images: Tensor = made(torch.randn(_BATCH, 64, generator=generator))
        return images

    return drawn


def _anchors(scene_of: Callable[[int], Scene], recipe: Recipe) -> tuple[StudyRow, ...]:
    def concatenated(seed: int) -> Numbers:
        scores = of_teachers(scene_of(seed))
        whole = {
            name.removeprefix("merged_"): value
            for name, value in scores.items()
            if name.startswith("merged_")
        }
        tasks = {
            name.replace("teacher_", "task_"): value
            for name, value in scores.items()
            if name.startswith("teacher_")
        }
        return whole | tasks

    return (
        StudyRow("teachers", "teachers side by side", concatenated),
        *anchors.rows(scene_of, recipe, real="student on their outputs, real images"),
    )


_NO_PRIOR = {
    "one_hot_weight": 0,
    "entropy_weight": 0,
    "discrete_weight": 0,
    "bn_weight": 0,
}


def _stacked(**knobs: Any) -> Callable[[int], Numbers]:
    return lambda seed: _room(_canvases, _STACKED, seed, preset="dfka", **knobs)


def _beside(**knobs: Any) -> Callable[[int], Numbers]:
    return lambda seed: _room(_canvases, _SIDE_BY_SIDE, seed, **knobs)


def _disjoint(**knobs: Any) -> Callable[[int], Numbers]:
    return lambda seed: _room(_digits, _DISJOINT, seed, **({"bn_weight": 5} | knobs))


_ONE_HOT_ALONE = {
    "entropy_weight": 0,
    "discrete_weight": 0,
    "activation_weight": 0,
}

_CANVAS_ROWS = (
    *_anchors(_canvases, _ANCHOR),
    StudyRow("block_real", "block by block on real images", lambda seed: _blockwise(seed, _real)),
    StudyRow("block_noise", "… on Gaussian noise", lambda seed: _blockwise(seed, _noise)),
    StudyRow(
        "block_untrained", "… on an untrained generator", lambda seed: _blockwise(seed, _untrained)
    ),
    StudyRow("one_hot", "stacked generator, confidence alone", _stacked(**_ONE_HOT_ALONE)),
    StudyRow("dfka", "**`dfka`**, as published", _stacked()),
    StudyRow("no_consistency", "… without consistency of groups", _stacked(consistency_weight=0)),
    StudyRow("no_gates", "… without gates before teachers", _stacked(teacher_filter="none")),
    StudyRow("pick", "… labels selected, without a learned filter", _stacked(task_filter="pick")),
    StudyRow("one_block", "… in one block", _stacked(blocks=1)),
    StudyRow("dfka_bn_1", "`dfka` with `bn_weight` 1", _stacked(bn_weight=1)),
    StudyRow("dfka_bn", "**`dfka` with `bn_weight` 10**", _stacked(bn_weight=10)),
    StudyRow("branched", "… branched", _stacked(bn_weight=10, regroup="branched")),
    StudyRow("adversarial", "`dfq_ka`, adversarial alone", _beside(**_NO_PRIOR)),
    StudyRow("dfq_ka", "**`dfq_ka`**", _beside()),
    StudyRow("not_adversarial", "… without the adversarial part", _beside(adversarial_weight=0)),
)
_DIGIT_ROWS = (
    *_anchors(_digits, _DISJOINT_ANCHOR),
    StudyRow("adversarial", "`dfq_ka`, adversarial alone", _disjoint(**_NO_PRIOR)),
    StudyRow("dfq_ka", "**`dfq_ka`**, `bn_weight` 5", _disjoint()),
    StudyRow("dfq_ka_10", "… `bn_weight` 10, the default", _disjoint(bn_weight=10)),
    StudyRow("not_adversarial", "… without the adversarial part", _disjoint(adversarial_weight=0)),
)


def _mean(row: str, key: str) -> Callable[[Results], float]:
    return lambda results: results.mean(row, key)


def _lead(row: str, over: str, key: str) -> Callable[[Results], float]:
    return lambda results: results.lead(row, over, key)


def _share(row: str, of: str, key: str) -> Callable[[Results], float]:
    return lambda results: results.mean(row, key) / results.mean(of, key)


_PRECISION = "mean_average_precision"
_WORDS = "Batches of 64, 64 noise units; the generator of `dfq_ka` has width 16."
TABLES = (
    StudyTable(
        "canvases",
        _CANVAS_ROWS,
        (
            Column("mAP", _PRECISION),
            Column("digits 0-4", f"task_1_{_PRECISION}"),
            Column("digits 5-9", f"task_2_{_PRECISION}"),
            Column("labels per generated image", "cardinality", 1),
            Column("evenness of labels", "label_coverage", 2),
            Column("parameters", "parameters", 0),
        ),
        "Canvases of 16 × 16 pixels with up to four of scikit-learn's digits, 800 for evaluation. "
        "Two teachers of three 4 × 4 convolutions (16, 32, 64), one for 0 to 4, the other for 5 to "
        f"9; a student of their architecture for all ten. {_WORDS} `dfka`: 1400 steps (400 for images, "
        "200 for each block, 100 for the head, 300 for all), 1000 block by block; `dfq_ka`: 300 "
        "steps, 1500 of the student, as many as in the rows of outputs.",
        (
            Bound(
                "block by block on real images at least 0.97",
                _mean("block_real", _PRECISION),
                0.97,
            ),
            Bound(
                "`dfka` with batch statistics at least 0.82", _mean("dfka_bn", _PRECISION), 0.82
            ),
            Bound(
                "lead of that over blocks on an untrained generator at least 0.5",
                _lead("dfka_bn", "block_untrained", _PRECISION),
                0.5,
            ),
            Bound("`dfq_ka` at least 0.92", _mean("dfq_ka", _PRECISION), 0.92),
            Bound(
                "evenness of the labels of `dfq_ka` at least 0.9",
                _mean("dfq_ka", "label_coverage"),
                0.9,
            ),
            Bound("labels per image of `dfq_ka` 0.5 to 4", _mean("dfq_ka", "cardinality"), 0.5, 4),
            Bound("labels per image of `dfka` 0.5 to 4", _mean("dfka", "cardinality"), 0.5, 4),
        ),
    ),
    StudyTable(
        "digits",
        _DIGIT_ROWS,
        (
            Column("among all ten", "accuracy"),
            Column("among 0-4", "task_1_accuracy"),
            Column("among 5-9", "task_2_accuracy"),
            Column("evenness of labels", "label_coverage", 2),
        ),
        "scikit-learn's digits, 8 × 8 pixels, 500 for evaluation. A plain network (16, 32, 32) "
        "for 0 to 4 and a residual one (20) for 5 to 9, both with a softmax; a plain "
        f"student (12, 24, 48). {_WORDS} `dfq_ka`: 400 steps, 2000 of the student, as many as in "
        "the rows of outputs.",
        (
            Bound("`dfq_ka` among 0-4 at least 0.92", _mean("dfq_ka", "task_1_accuracy"), 0.92),
            Bound("`dfq_ka` among 5-9 at least 0.90", _mean("dfq_ka", "task_2_accuracy"), 0.90),
            Bound(
                "share of the teachers side by side, `dfq_ka`, at least 0.88",
                _share("dfq_ka", "teachers", "accuracy"),
                0.88,
            ),
            Bound(
                "lead of `dfq_ka` over noise at least 0.05",
                _lead("dfq_ka", "noise", "accuracy"),
                0.05,
            ),
        ),
    ),
)

if __name__ == "__main__":
    main(Study("dual_gan_amalgamation", TABLES))
