"""Sources teach components, components the student; sources stay; cut short, it ends the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams, Selection
from service.core.manifest import InputSpec, TaskKind
from workers.methods.adaptive_amalgamation import run
from workers.methods.adaptive_amalgamation.alignment import (
    Adaptor,
    AlignedSpace,
    TaskOutputs,
    paired,
)
from workers.methods.adaptive_amalgamation.run import SELECTION, AdaptiveAmalgamationTask
from workers.methods.adaptive_amalgamation.selection import calibrated, selected_sources
from workers.methods.adaptive_amalgamation.steps import optimizer_group_of
from workers.programs.exporting import export_network
from workers.torchkit.protocols import RecordingReporter, silent
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.students import BadStudentError
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.teachers import NotTeachableError, Teacher
from workers.torchkit.training.temperatures import entropy

pytestmark = pytest.mark.slow

SIDE = 12
STEPS = 12
SETTINGS: dict[str, Any] = {
    "tasks": [
        {"name": "light", "labels": ["dark", "bright"]},
        {"name": "hue", "labels": ["red", "blue"]},
    ],
    "budget": {"steps": STEPS},
    "batch_size": 8,
    "checkpoint_interval_seconds": 0,
    "num_evaluations": 2,
    "student": {"width": 4, "architecture": "plain"},
    "component": {"width": 4, "architecture": "lenet"},
}


class Answering(nn.Module):
    """Answers from color means: sure (gain) or not of the labels."""

    def __init__(self, gain: float, rows: list[list[float]]) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, stride=2)
        self.second = nn.Conv2d(6, 6, 3)
        self.answer = nn.Linear(3, len(rows))
        with torch.no_grad():
            self.answer.weight.copy_(gain * torch.tensor(rows))
            self.answer.bias.copy_(-0.5 * self.answer.weight.sum(dim=1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, whatever the convolutions say."""
        inner = self.second(self.first(images).relu()).mean(dim=(1, 2, 3), keepdim=False)
        answers: Tensor = self.answer(images.mean(dim=(2, 3))) + 0 * inner[:, None]
        return answers


LIGHT = [[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]
HUE = [[1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]]


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Teacher, ...]:
    """Two that know light, the second in another order and surer, and one that knows hue."""
    folder = tmp_path_factory.mktemp("nets")
    return (
        teacher(folder, "weak", Answering(2.0, LIGHT), ("dark", "bright")),
        teacher(folder, "strong", Answering(6.0, [LIGHT[1], LIGHT[0]]), ("bright", "dark")),
        teacher(folder, "hue", Answering(6.0, HUE), ("red", "blue")),
    )


def teacher(folder: Path, name: str, net: nn.Module, classes: tuple[str, ...]) -> Teacher:
    torch.manual_seed(0)
    program = export_network(net.eval(), (3, SIDE, SIDE), folder / f"{name}.pt2")
    spec = InputSpec(height=SIDE, width=SIDE)
    return Teacher(name, name, program, spec, TaskKind.CLASSIFICATION, classes)


def frames(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Images of a light and a tint, and whether they are bright."""
    generator = torch.Generator().manual_seed(seed)
    bright, blue = (torch.randint(2, (count,), generator=generator) for _ in range(2))
    level = 60 + 100 * bright[:, None] + 30 * torch.stack([1 - blue, 0 * blue, blue], dim=1)
    noise = torch.randint(0, 40, (count, SIDE, SIDE, 3), generator=generator)
    return (level[:, None, None, :] + noise).to(torch.uint8), bright


@pytest.fixture(scope="module")
def inputs(teachers: tuple[Teacher, ...]) -> ImageInputs:
    images, _ = frames(60, seed=0)
    evaluation_images, bright = frames(40, seed=1)
    evaluation_set = EvaluationSet(evaluation_images, bright, ("dark", "bright"))
    return ImageInputs(
        name="student", teachers=teachers, evaluation_set=evaluation_set, images=images
    )


def params(**changes: object) -> AdaptiveAmalgamationParams:
    return AdaptiveAmalgamationParams.model_validate({**SETTINGS, **changes})


def same(left: nn.Module, right: nn.Module) -> None:
    for name, value in left.state_dict().items():
        torch.testing.assert_close(right.state_dict()[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("selection", [Selection.ENTROPY, Selection.RANDOM])
def test_cut_short_in_any_stage_and_resumed_it_ends_the_same(
    inputs: ImageInputs, selection: Selection
) -> None:
    whole = RecordingReporter()
    expected = run(inputs, params(selection=selection), whole)
    for stage in range(3):
        last = [saved for saved in whole.checkpoints if saved.facts["stage"] == stage][-1]

        result = run(inputs, params(selection=selection), RecordingReporter(start=last))

        assert result.history == expected.history
        same(expected.network, result.network)


def test_from_the_middle_of_a_stage_only_what_is_left_is_done(inputs: ImageInputs) -> None:
    whole = RecordingReporter()
    expected = run(inputs, params(), whole)

    rest = RecordingReporter(start=whole.checkpoints[5])
    result = run(inputs, params(), rest)

    assert whole.checkpoints[5].facts["step"] == 2
    assert len(rest.checkpoints) == len(whole.checkpoints) - 6
    same(expected.network, result.network)


def test_sources_are_the_same_before_and_after(inputs: ImageInputs) -> None:
    before = [teacher.program.fingerprint for teacher in inputs.teachers]

    run(inputs, params(), RecordingReporter())

    assert [teacher.program.fingerprint for teacher in inputs.teachers] == before
    weights = [weight for source in inputs.teachers for weight in source.program.parameters()]
    assert all(weight.grad is None and not weight.requires_grad for weight in weights)


def test_the_surer_source_teaches_all_and_the_other_is_left_out(inputs: ImageInputs) -> None:
    result = run(inputs, params(), RecordingReporter())

    assert "1. weak 0.0% (left out), 2. strong 100.0%" in result.manifest.trained_on
    assert result.history[0]["task_1_source_2_share"] == 1
    assert result.pictures[SELECTION].startswith(b"\x89PNG")


def test_columns_of_a_source_in_another_order_teach_the_right_labels(inputs: ImageInputs) -> None:
    changes = {
        "budget": {"steps": 90},
        "learning_rate": 0.03,
        "component": None,
        "feature_weight": 0,
    }

    result = run(inputs, params(**changes), RecordingReporter())

    assert result.manifest.classes == ("dark", "bright", "red", "blue")
    assert result.quality["task_1_accuracy"] >= 0.9
    assert result.quality["task_2_accuracy"] >= 0.9


def test_the_student_may_have_the_labels_in_an_order_of_its_own(inputs: ImageInputs) -> None:
    order = ("blue", "dark", "red", "bright")
    student = {**SETTINGS["student"], "labels": order}

    result = run(inputs, params(student=student), RecordingReporter())

    assert result.manifest.classes == order


@pytest.mark.parametrize("selection", list(Selection))
def test_every_selection_shares_each_image_among_the_sources(
    inputs: ImageInputs, selection: Selection
) -> None:
    training_task = AdaptiveAmalgamationTask(inputs, params(selection=selection), silent)

    for weights in training_task.training.memory.values():
        torch.testing.assert_close(weights.sum(dim=0), torch.ones(60))
        assert bool((weights >= 0).all())


def test_one_source_of_one_task_goes_the_same_way(inputs: ImageInputs) -> None:
    alone = ImageInputs(name="student", teachers=inputs.teachers[2:], images=inputs.images)

    result = run(alone, params(tasks=None), RecordingReporter())

    assert result.manifest.classes == ("red", "blue")
    assert "task 1: 1. hue 100.0%" in result.manifest.trained_on


def test_several_labels_of_an_image_are_learned_one_by_one(inputs: ImageInputs) -> None:
    many = tuple(replace(teacher, task=TaskKind.MULTI_LABEL) for teacher in inputs.teachers)
    tasks = [{"name": "bright", "labels": ["bright"]}, {"name": "blue", "labels": ["blue"]}]

    result = run(
        ImageInputs(name="s", teachers=many, images=inputs.images),
        params(tasks=tasks),
        RecordingReporter(),
    )

    assert result.manifest.classes == ("bright", "blue")


def test_labels_of_images_change_nothing(inputs: ImageInputs) -> None:
    labeled = ImageInputs(
        name="student",
        teachers=inputs.teachers,
        images=inputs.images,
        labels=torch.arange(60) % 2,
        label_names=("dark", "bright"),
    )
    unlabeled = ImageInputs(name="student", teachers=inputs.teachers, images=inputs.images)

    same(*(run(case, params(), RecordingReporter()).network for case in (labeled, unlabeled)))


def test_without_features_only_logits_teach(inputs: ImageInputs) -> None:
    result = run(inputs, params(feature_weight=0), RecordingReporter())

    assert {entry["feature_loss"] for entry in result.history} == {0.0}
    assert all(entry["whole_loss"] == entry["soft_loss"] for entry in result.history)


class Scaled(nn.Module):
    """A student with a scale of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))


def test_only_the_scales_of_adaptors_learn_at_a_hundredth_of_the_rate() -> None:
    adaptors = nn.ModuleList([Adaptor([], torch.Generator())])

    group = optimizer_group_of([Scaled(), adaptors], 0.01)

    rates = [
        (parameter is adaptors[0].scale, part.get("share", 1.0))
        for part in group.optimizer.param_groups
        for parameter in part["params"]
    ]
    assert sorted(rates) == [(False, 1.0), (True, 0.01)]


def test_vanishing_alignments_cost_more_than_rows_of_length_one() -> None:
    maps = torch.rand(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    outputs = TaskOutputs(torch.zeros(2, 2), (maps,))

    def cost(learner: Tensor, other: Tensor) -> float:
        space = AlignedSpace([(4, 4)], torch.Generator())
        with torch.no_grad():
            space.learner[0].weight.copy_(learner[:, :, None, None])
            space.teacher[0].weight.copy_(other[:, :, None, None])
            return float(sum(space(outputs, outputs)))

    zeros, unit = torch.zeros(2, 4), torch.eye(4)[:2]
    assert cost(zeros, zeros) == 1
    assert cost(unit, unit) == 0


def test_the_last_maps_of_both_sides_are_aligned_with_each_other() -> None:
    assert paired((4, 8, 16), [6, 7]) == [(8, 6), (16, 7)]


def test_named_layers_are_taken_and_unknown_ones_refused(inputs: ImageInputs) -> None:
    named = [["first", "second"]] * 3

    run(inputs, params(teacher_layers=named), RecordingReporter())

    with pytest.raises(NotTeachableError, match="no layer 'third'"):
        run(inputs, params(teacher_layers=[["third"]] * 3), RecordingReporter())
    with pytest.raises(NotTeachableError, match="layer 'answer' has no channels"):
        run(inputs, params(teacher_layers=[["answer"]] * 3), RecordingReporter())
    with pytest.raises(NotTeachableError, match="lists 1 teacher, but there are 3"):
        run(inputs, params(teacher_layers=[["first"]]), RecordingReporter())


def test_a_source_that_is_sure_of_everything_is_brought_to_the_others_mean() -> None:
    generator = torch.Generator().manual_seed(0)
    right, loud = torch.randn(50, 3, generator=generator), torch.randn(50, 3, generator=generator)

    ambiguities = calibrated([right, 100 * loud], entropy)

    torch.testing.assert_close(
        ambiguities.mean(dim=1), ambiguities.mean().expand(2), rtol=1e-3, atol=1e-4
    )


def test_who_teaches_less_than_a_hundredth_is_left_out() -> None:
    weights = torch.zeros(2, 1000)
    weights[0, :9], weights[1, 9:] = 1, 1

    assert selected_sources(weights) == [1]
    weights[0, 9], weights[1, 9] = 1, 0
    assert selected_sources(weights) == [0, 1]


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([{"name": "one", "labels": ["a", "a"]}], "'a' is listed more than once"),
        ([{"name": "one", "labels": ["a"]}, {"name": "one", "labels": ["b"]}], "a task's name"),
    ],
)
def test_what_is_given_twice_is_refused(tasks: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        params(tasks=tasks)


def test_students_that_do_not_fit_are_refused(inputs: ImageInputs) -> None:
    with pytest.raises(NotTeachableError, match="student's labels differ from those of the tasks"):
        run(inputs, params(student={"labels": ["dark", "bright"]}), RecordingReporter())
    with pytest.raises(BadStudentError, match="predicts pixels"):
        run(inputs, params(student={"architecture": "unet"}), RecordingReporter())
    with pytest.raises(BadStudentError, match="inner maps"):
        run(inputs, params(student={"architecture": "timm/resnet18"}), RecordingReporter())
