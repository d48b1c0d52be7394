"""Who shall teach which image? Four sources, each at home with half of the digits in one style.

Styles: scanned digits as they are, and turned by a right angle with light for dark. Tasks: digits
0 to 4, and 5 to 9. Each of the four sources knows one task in one style, and two digits of the
other task beside; in the other style it is all but blind. The images that are learned from are
all training digits, each in one of the styles by the toss of a coin; no network is given the style,
the task, or the label.

    python -m benchmarks.adaptive_amalgamation --seeds 0 1 2 [--rows entropy …]
"""

from collections.abc import Mapping
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.students.anchors import kd_real, supervised
from benchmarks.students.pictures import LabeledPictures, names
from benchmarks.students.protocol import Bound, Column, Results, Study, StudyRow, StudyTable, main
from benchmarks.students.scenes import Numbers, Scene
from benchmarks.students.styles import (
    STYLES,
    TASKS,
    by_style,
    evaluation_pictures,
    mixed,
    of_sources,
    own_images,
    own_styles,
    sources,
    styles,
)
from benchmarks.students.teaching import Recipe
from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams
from service.core.catalog.training import Student, StudentArchitecture
from workers.methods.adaptive_amalgamation.maths import one_of
from workers.methods.adaptive_amalgamation.run import AdaptiveAmalgamationTask
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.protocols import RecordingReporter, silent
from workers.torchkit.training.task import ImageInputs, complete

STUDENT = Student(architecture=StudentArchitecture.PLAIN, width=16, labels=names(range(10)))
STEPS = 1000
CALIBRATED: dict[str, Any] = {"selection": "calibrated"}
ALONE: dict[str, Any] = {"feature_weight": 0}
KD = Recipe(steps=1200, batch=64, rate=2e-3)


def scene(seed: int) -> Scene:
    """Four sources, one student, both styles."""
    return Scene(sources(seed), STUDENT, evaluation_pictures().evaluation_set, mixed(seed))


def settings(seed: int, **more: Any) -> AdaptiveAmalgamationParams:
    """Both tasks, as many steps for each component as for the student."""
    return AdaptiveAmalgamationParams.model_validate(
        {
            "tasks": [{"name": name, "labels": labels} for name, labels in TASKS.items()],
            "student": STUDENT,
            "component": {"architecture": "plain", "width": 12},
            "budget": {"steps": STEPS},
            "num_evaluations": 1,
            "seed": seed,
        }
        | more
    )


def amalgamated(seed: int, **more: Any) -> Numbers:
    """The room's numbers, the components' and the student's by task and style."""
    return _measured(seed, settings(seed, **more), scene(seed).with_images)


def chosen_by_truth(seed: int) -> Numbers:
    """Every image goes to the source of its style."""
    truth = one_of(styles(seed), len(STYLES))
    return _measured(seed, settings(seed, **ALONE), scene(seed).with_images, chosen=truth)


def one_source(seed: int) -> Numbers:
    """Only the sources of the first style."""
    teachers = sources(seed)[:: len(STYLES)]
    alone = Scene(teachers, STUDENT, evaluation_pictures().evaluation_set, mixed(seed))
    return _measured(seed, settings(seed, **ALONE), alone.with_images)


def task_by_task(seed: int, **more: Any) -> Numbers:
    """Each task in a training of its own, on the images of its digits alone."""
    numbers: Numbers = {}
    for name, labels in TASKS.items():
        own = mixed(seed).only(labels)
        inputs = ImageInputs(name=name, teachers=sources(seed), images=own.frames)
        params = settings(
            seed,
            tasks=[{"name": name, "labels": labels}],
            student=STUDENT.model_copy(update={"labels": labels}),
            budget={"steps": STEPS // 2},
            **more,
        )
        training_task = AdaptiveAmalgamationTask(inputs, params, silent)
        complete(training_task, inputs, params, RecordingReporter())
        numbers |= by_style(name, partial(_of_component, training_task, 0))
        right = _right(training_task.training.memory["weights_0"], own_styles(seed, name))
        numbers |= {f"right_{name}": right}
    return _with_means(numbers)


def _measured(
    seed: int,
    params: AdaptiveAmalgamationParams,
    inputs: ImageInputs,
    chosen: Tensor | None = None,
) -> Numbers:
    training_task = AdaptiveAmalgamationTask(inputs, params, silent)
    for name in training_task.training.memory:
        if chosen is not None:
            training_task.training.memory[name] = chosen
    trained = complete(training_task, inputs, params, RecordingReporter())
    quality = trained.quality
    numbers: Numbers = {"joint": quality["accuracy"], "merged": quality["merged_accuracy"]}
    for number, name in enumerate(TASKS):
        numbers |= by_style(name, partial(_of_component, training_task, number))
        numbers |= by_style(name, partial(_of_student, training_task), prefix="student_")
        weights = training_task.training.memory[f"weights_{number}"]
        if len(weights) > 1:
            numbers[f"right_{name}"] = _right(
                weights[:, own_images(seed, name)], own_styles(seed, name)
            )
    return _with_means(numbers)


def choice(seed: int, selection: str) -> Numbers:
    """How often the source of the image's style is chosen, before anything is trained."""
    training_task = AdaptiveAmalgamationTask(
        scene(seed).with_images, settings(seed, selection=selection), silent
    )
    shares = {
        name: _right(training_task.training.memory[f"weights_{number}"][:, own], styles(seed)[own])
        for number, name in enumerate(TASKS)
        for own in (own_images(seed, name),)
    }
    return {f"right_{name}": value for name, value in shares.items()} | {
        "right": sum(shares.values()) / len(shares)
    }


def _right(weights: Tensor, truth: Tensor) -> float:
    """Mean weight of the source of the image's style."""
    return float(weights.gather(0, truth[None]).mean())


def _answers(
    network: nn.Module, training_task: AdaptiveAmalgamationTask, frames: Tensor
) -> Tensor:
    with torch.no_grad():
        answers: Tensor = network.eval()(
            to_network_input(frames, Preprocessing.of(training_task.spec))
        )
    return answers


def _of_component(
    training_task: AdaptiveAmalgamationTask, number: int, images: LabeledPictures
) -> Tensor:
    """A component's logits of the task's labels."""
    return _answers(training_task.components[number], training_task, images.frames)


def _of_student(training_task: AdaptiveAmalgamationTask, images: LabeledPictures) -> Tensor:
    """The student's logits of the task's labels."""
    columns = [training_task.head.labels.index(label) for label in images.labels]
    return _answers(training_task.student, training_task, images.frames)[:, columns]


def _with_means(numbers: Mapping[str, float]) -> Numbers:
    """The numbers, and means over tasks and styles."""
    means = {}
    for prefix, name in (("", "components"), ("student_", "student")):
        values = [
            numbers[prefix + task + style]
            for task, style in product(TASKS, STYLES)
            if prefix + task + style in numbers
        ]
        if values:
            means[name] = sum(values) / len(values)
    if "student" in means:
        means["kept"] = means["student"] / means["components"]
    return {**numbers, **means}


def by_labels(seed: int) -> Numbers:
    """The student trained on the labels of all images."""
    return _anchored(supervised(scene(seed), seed=seed))


def side_by_side(seed: int) -> Numbers:
    """The student trained on the answers of all sources to all images."""
    return _anchored(kd_real(scene(seed), seed=seed, recipe=KD))


def _anchored(numbers: Numbers) -> Numbers:
    return {"joint": numbers["accuracy"], "merged": numbers["merged_accuracy"]}


CHOICES = (
    ("entropy", "entropy"),
    ("calibrated", "calibrated"),
    ("normalized", "normalized"),
    ("margin", "margin"),
    ("soft", "soft"),
    ("average", "average (ablation)"),
    ("random", "random (ablation)"),
)
ROWS = (
    StudyRow("supervised", "labels of all images (anchor)", by_labels),
    StudyRow("kd", "outputs of all four side by side (anchor)", side_by_side),
    StudyRow("entropy", "**entropy, features aligned (published, default)**", amalgamated),
    StudyRow("calibrated", "**calibrated, features aligned**", partial(amalgamated, **CALIBRATED)),
    *(
        StudyRow(
            f"{name}_alone",
            f"{title}, logits alone",
            partial(amalgamated, **ALONE, selection=name),
        )
        for name, title in CHOICES
    ),
    StudyRow("truth_alone", "by the true style, logits alone (upper anchor)", chosen_by_truth),
    StudyRow("single_alone", "one source for each task, logits alone (lower anchor)", one_source),
)
OWN_IMAGES = (
    StudyRow("entropy", "entropy", task_by_task),
    StudyRow("calibrated", "calibrated", partial(task_by_task, **CALIBRATED)),
)
BY_STYLE = tuple(Column(f"{t.upper()}/{s}", t + s) for t, s in product(TASKS, STYLES))
COLUMNS = (
    Column("right source A", "right_a"),
    Column("right source B", "right_b"),
    *BY_STYLE,
    Column("components", "components"),
    Column("student", "student"),
    Column("student, all 10", "joint"),
)


def _worse_right_source(results: Results) -> float:
    return min(results.mean("entropy", "right_a"), results.mean("entropy", "right_b"))


BOUNDS = (
    Bound("right source by entropy, the worse task, at least 0.75", _worse_right_source, low=0.75),
    Bound(
        "components by entropy at least 0.85", lambda f: f.mean("entropy", "components"), low=0.85
    ),
    Bound(
        "components by entropy over average (logits alone), at least 0.03",
        lambda f: f.lead("entropy_alone", "average_alone", "components"),
        low=0.03,
    ),
    Bound(
        "components by entropy over random (logits alone), at least 0.04",
        lambda f: f.lead("entropy_alone", "random_alone", "components"),
        low=0.04,
    ),
    Bound(
        "student over its components by entropy, at least 0.97",
        lambda f: f.mean("entropy", "kept"),
        low=0.97,
    ),
    Bound(
        "components by calibrated at least 0.95 (our own goal)",
        lambda f: f.mean("calibrated", "components"),
        low=0.95,
    ),
)
WORDS = (
    "Accuracy on 500 test digits in each style; by task among its five labels, in the last column"
    " among all ten in both styles. Right source: share of the task's images that are assigned to"
    " the source of their style. Sources: CNN (32, 64, 64) and Res (48); components: plain (12);"
    f" student: plain (16); {STEPS} steps: a quarter for each component on 64 images of both its"
    " sources, half for the student on 64 images."
)
TABLES = (
    StudyTable(
        "sources",
        (StudyRow("sources", "four sources", of_sources),),
        (Column("own style", "home"), Column("other style", "away")),
        words="Mean accuracy among the task's five labels on the test digits.",
    ),
    StudyTable(
        "choice",
        tuple(StudyRow(name, title, partial(choice, selection=name)) for name, title in CHOICES),
        (*COLUMNS[:2], Column("both", "right")),
        words="Share of a task's images that are assigned to the source of their style; nothing is trained.",
    ),
    StudyTable("main", ROWS, COLUMNS, words=WORDS, bounds=BOUNDS),
    StudyTable(
        "own_images",
        OWN_IMAGES,
        COLUMNS[:7],
        words="Each task on the images of its own digits alone.",
    ),
)

if __name__ == "__main__":
    main(Study("adaptive_amalgamation", TABLES))
