"""Without any image a student learns its teacher, who stays as it was; cut short, it ends the same."""

import io
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import nn

from service.core.catalog.adversarial_distillation import (
    AdversarialDistillationParams,
    OneTeacherOnly,
    Preset,
)
from service.core.manifest import InputSpec, TaskKind
from tests.methods.adversarial_distillation.small_teachers import (
    SIDE,
    EverySecondPixel,
    whole_images,
)
from workers.methods.adversarial_distillation import run
from workers.programs.exporting import export_network
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.bn_statistics import TeacherWithoutBatchNormError
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.students import BadStudentError
from workers.torchkit.training.task import DataFreeInputs
from workers.torchkit.training.teachers import NotTeachableError, Teacher

pytestmark = pytest.mark.slow

torch.set_num_threads(1)

SPEC = InputSpec(channels=1, height=SIDE, width=SIDE, mean=(0.5,), std=(0.25,))
LABELS = ("left", "middle", "right")
SMALL: dict[str, Any] = {
    "budget": {"steps": 6},
    "batch_size": 8,
    "num_evaluations": 1,
    "imitations": 2,
    "generator_width": 4,
    "noise_units": 8,
    "checkpoint_interval_seconds": 0.0,
    "student": {"width": 4, "architecture": "lenet"},
}
Make = Callable[[nn.Module, TaskKind], Teacher]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    def teacher(network: nn.Module, task: TaskKind) -> Teacher:
        network.train()
        for _ in range(20):
            network(torch.randn(64, 1, SIDE, SIDE))
        path = tmp_path_factory.mktemp("net") / "net.pt2"
        program = export_network(network.eval(), (1, SIDE, SIDE), path)
        return Teacher("t", "teacher", program, SPEC, task, LABELS)

    return teacher


@pytest.fixture(scope="module")
def inputs(make: Make) -> DataFreeInputs:
    teacher = make(whole_images(normalized=True), TaskKind.CLASSIFICATION)
    return DataFreeInputs(
        name="student", teachers=(teacher,), evaluation_set=evaluation_set_of(teacher)
    )


def evaluation_set_of(teacher: Teacher) -> EvaluationSet:
    """Frames of noise, and what the teacher says of them."""
    drawn = torch.Generator().manual_seed(5)
    frames = torch.randint(0, 256, (64, SIDE, SIDE, 1), generator=drawn, dtype=torch.uint8)
    images = frames.expand(-1, -1, -1, 3).contiguous()
    with torch.no_grad():
        logits = teacher.answer(teacher.of_frames(images))
    if teacher.task is TaskKind.MULTI_LABEL:
        return EvaluationSet(images, (logits > 0).long(), LABELS)
    return EvaluationSet(images, logits.argmax(dim=1), LABELS)


def params(**changes: Any) -> AdversarialDistillationParams:
    return AdversarialDistillationParams.model_validate({**SMALL, **changes})


EVERYTHING = {"pool_images": 16, "generator_average": 0.5, "batch_norm_memory": 0.5}


@pytest.mark.parametrize(
    "changes",
    [
        {"preset": "dfad"},
        {"preset": "dfq"},
        {"preset": "fast_meta", "inner_steps": 2, "warm_up": 0.4},
        {"preset": "fast_meta", "inner_steps": 2, "meta_gradient": "reptile"},
        {"preset": "dfq", **EVERYTHING},
    ],
    ids=["dfad", "dfq", "fast_meta", "reptile", "everything"],
)
def test_a_resumed_training_does_only_what_is_left_and_ends_the_same(
    inputs: DataFreeInputs, changes: dict[str, Any]
) -> None:
    asked, whole = params(**changes, num_evaluations=2), RecordingReporter()
    expected = run(inputs, asked, whole)

    rest = RecordingReporter(start=whole.checkpoints[2])
    result = run(inputs, asked, rest)

    assert len(rest.checkpoints) == 6 - 3
    assert result.history == expected.history
    assert result.pictures["samples.png"] == expected.pictures["samples.png"]
    for name, value in expected.network.state_dict().items():
        torch.testing.assert_close(result.network.state_dict()[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("preset", list(Preset))
def test_the_teacher_is_the_same_before_and_after(inputs: DataFreeInputs, preset: Preset) -> None:
    program = inputs.teachers[0].program
    before = program.fingerprint

    run(inputs, params(preset=preset), RecordingReporter())

    assert program.fingerprint == before
    assert all(weight.grad is None and not weight.requires_grad for weight in program.parameters())


def test_nothing_that_it_takes_could_hold_an_image_to_learn_from() -> None:
    assert {field.name for field in fields(DataFreeInputs)} == {
        "name",
        "teachers",
        "evaluation_set",
        "start",
        "recipe",
    }


def test_the_evaluation_set_does_not_change_the_student(inputs: DataFreeInputs) -> None:
    judged, alone = (
        run(variant, params(), RecordingReporter())
        for variant in (inputs, replace(inputs, evaluation_set=None))
    )

    torch.testing.assert_close(
        judged.network.state_dict(), alone.network.state_dict(), rtol=0, atol=0
    )
    assert alone.quality == {}
    assert judged.trained_on == 0


@pytest.mark.parametrize("preset", list(Preset))
def test_a_student_comes_to_agree_with_its_teacher(inputs: DataFreeInputs, preset: Preset) -> None:
    longer = {
        "budget": {"steps": 60},
        "batch_size": 32,
        "imitations": 5,
        "student_learning_rate": 0.05,
    }

    result = run(inputs, params(preset=preset, **longer), RecordingReporter())

    assert result.quality["agreement"] >= 0.6


def test_a_teacher_without_batch_normalization_takes_the_recipe_that_needs_none(
    make: Make,
) -> None:
    plain = make(whole_images(normalized=False), TaskKind.CLASSIFICATION)

    result = run(DataFreeInputs(name="s", teachers=(plain,)), params(), RecordingReporter())

    assert "batch_norm_loss" not in result.history[-1]
    with pytest.raises(TeacherWithoutBatchNormError):
        run(DataFreeInputs(name="s", teachers=(plain,)), params(preset="dfq"), RecordingReporter())


@pytest.mark.parametrize("preset", list(Preset))
def test_labels_that_may_be_there_or_not_are_learned(make: Make, preset: Preset) -> None:
    teacher = make(whole_images(normalized=True), TaskKind.MULTI_LABEL)
    several = DataFreeInputs(
        name="s", teachers=(teacher,), evaluation_set=evaluation_set_of(teacher)
    )
    longer = {
        "budget": {"steps": 40},
        "batch_size": 32,
        "imitations": 5,
        "student_learning_rate": 0.05,
    }

    result = run(several, params(preset=preset, **longer), RecordingReporter())

    assert result.quality["agreement"] >= 0.75
    assert 0 <= result.history[-1]["generated_labels"] <= 1


@pytest.mark.parametrize("preset", list(Preset))
def test_pixels_are_learned_at_the_teachers_smaller_size(make: Make, preset: Preset) -> None:
    teacher = make(EverySecondPixel(), TaskKind.SEGMENTATION)
    student = {"width": 4, "architecture": "unet"}
    longer = {"budget": {"steps": 20}, "student_learning_rate": 0.05, "num_evaluations": 4}
    dense = params(preset=preset, student=student, **longer)

    result = run(DataFreeInputs(name="s", teachers=(teacher,)), dense, RecordingReporter())

    assert result.history[-1]["imitation_loss"] < result.history[0]["imitation_loss"]
    assert result.history[-1]["generated_agreement"] > 0.4


def test_a_teacher_of_pixels_takes_the_recipe_that_was_published_for_them(make: Make) -> None:
    dense = DataFreeInputs(name="s", teachers=(make(EverySecondPixel(), TaskKind.SEGMENTATION),))

    result = run(dense, params(student={"width": 4, "architecture": "unet"}), RecordingReporter())

    losses = {name for name in result.history[-1] if name.endswith("_loss")}
    assert losses == {"imitation_loss", "generator_loss", "adversarial_loss"}


def test_only_a_student_that_answers_pixels_learns_from_one_that_does(
    make: Make, inputs: DataFreeInputs
) -> None:
    dense = DataFreeInputs(name="s", teachers=(make(EverySecondPixel(), TaskKind.SEGMENTATION),))

    with pytest.raises(BadStudentError, match="cannot learn labels of pixels"):
        run(dense, params(), RecordingReporter())
    with pytest.raises(BadStudentError, match="cannot learn labels of whole images"):
        run(inputs, params(student={"architecture": "unet", "width": 4}), RecordingReporter())


def test_a_student_of_fewer_labels_and_another_side_learns_those(inputs: DataFreeInputs) -> None:
    student = {"width": 4, "architecture": "lenet", "labels": ["right", "left"], "image_size": 8}

    result = run(inputs, params(student=student), RecordingReporter())

    assert result.manifest.classes == ("right", "left")
    assert result.manifest.input.height == 8


def test_weights_of_nothing_leave_the_generator_as_it_was_drawn(inputs: DataFreeInputs) -> None:
    reporter = RecordingReporter()
    nothing = {"preset": "dfad", "adversarial_weight": 0, "rescue_balance_weight": 0}

    run(inputs, params(**nothing), reporter)

    first, last = (
        {n: value for n, value in checkpoint.tensors.items() if n.startswith("network.generator.")}
        for checkpoint in (reporter.checkpoints[0], reporter.checkpoints[-1])
    )
    torch.testing.assert_close(first, last, rtol=0, atol=0)
    with pytest.raises(NotTeachableError):
        run(inputs, params(**nothing, inner_steps=2), RecordingReporter())


def test_a_teacher_that_predicts_one_label_raises_the_balance_loss(make: Make) -> None:
    one_sided = whole_images(normalized=True)
    with torch.no_grad():
        one_sided.head.bias.copy_(torch.tensor([0.0, 0.0, 50.0]))  # type: ignore[union-attr,operator]
    teacher = make(one_sided, TaskKind.CLASSIFICATION)
    longer = {"preset": "dfad", "batch_size": 256, "budget": {"steps": 4}}

    result = run(
        DataFreeInputs(name="s", teachers=(teacher,)), params(**longer), RecordingReporter()
    )
    unwatched = run(
        DataFreeInputs(name="s", teachers=(teacher,)),
        params(**longer, rescue_balance_weight=0),
        RecordingReporter(),
    )

    assert result.history[-1]["balance_rescued"] == 1
    assert "balance_loss" in result.history[-1]
    assert "balance_loss" not in unwatched.history[-1]


def test_a_sheet_of_samples_is_shown(inputs: DataFreeInputs) -> None:
    result = run(inputs, params(batch_size=16), RecordingReporter())

    assert Image.open(io.BytesIO(result.pictures["samples.png"])).size == (8 * 64, 8 * 64)


def test_fewer_than_eight_images_at_once_are_refused() -> None:
    with pytest.raises(ValidationError, match="batch_size"):
        params(batch_size=1)


def test_exactly_one_teacher_and_no_data_can_be_named() -> None:
    with pytest.raises(ValidationError, match="teachers"):
        OneTeacherOnly.model_validate({"teachers": ["m1", "m2"]})
    with pytest.raises(ValidationError, match="dataset_id"):
        OneTeacherOnly.model_validate({"teachers": ["m1"], "dataset_id": "d1"})
