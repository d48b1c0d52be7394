"""A student learns its teachers, who stay as they were; cut short and resumed, it ends the same."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from service.core.catalog.knowledge_distillation import KnowledgeDistillationParams
from service.core.manifest import TaskKind
from tests.methods.small_networks import (
    assert_same_weights,
    convolutional,
    image_inputs_of,
    teacher_of,
)
from workers.methods.knowledge_distillation import run
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.students import BadStudentError
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.teachers import NotTeachableError

pytestmark = pytest.mark.slow

EVERYTHING = {
    "budget": {"steps": 12},
    "batch_size": 8,
    "num_evaluations": 3,
    "checkpoint_interval_seconds": 0.0,
    "label_weight": 0.5,
    "attention_weight": 10.0,
    "feature_weight": 0.1,
    "teacher_layer": "1",
    "student": {"width": 4, "image_size": 8},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ImageInputs:
    return image_inputs_of(teacher_of(convolutional(), tmp_path_factory.mktemp("nets")))


def params(**changes: object) -> KnowledgeDistillationParams:
    return KnowledgeDistillationParams.model_validate({**EVERYTHING, **changes})


def test_a_resumed_training_does_only_what_is_left_and_ends_the_same(inputs: ImageInputs) -> None:
    whole = RecordingReporter()
    expected = run(inputs, params(), whole)
    middle = whole.checkpoints[6]

    rest = RecordingReporter(start=middle)
    result = run(inputs, params(), rest)

    assert middle.facts["taken"] == 7
    assert len(rest.checkpoints) == 12 - 7
    assert result.history == expected.history
    assert_same_weights(result.network, expected.network)


def test_the_teacher_is_the_same_before_and_after(inputs: ImageInputs) -> None:
    program = inputs.teachers[0].program
    before = program.fingerprint

    run(inputs, params(), RecordingReporter())

    assert program.fingerprint == before
    assert all(weight.grad is None and not weight.requires_grad for weight in program.parameters())


def test_a_student_comes_to_agree_with_its_teacher(inputs: ImageInputs) -> None:
    result = run(inputs, params(budget={"steps": 120}, label_weight=0), RecordingReporter())

    assert result.quality["agreement"] >= 0.9
    assert result.history[-1]["whole_loss"] < result.history[0]["whole_loss"]


def test_two_teachers_make_one_student_of_all_their_labels(
    inputs: ImageInputs, tmp_path: Path
) -> None:
    other = teacher_of(convolutional(seed=1), tmp_path, classes=("red", "bright"), name="other")
    both = replace(inputs, teachers=(*inputs.teachers, other))

    result = run(both, params(feature_weight=0, attention_weight=0), RecordingReporter())

    assert result.manifest.classes == ("dark", "bright", "red")
    assert {"task_1_accuracy", "task_2_accuracy", "agreement_1", "agreement_2"} <= set(
        result.quality
    )


def test_without_labels_there_is_agreement_and_no_accuracy(inputs: ImageInputs) -> None:
    assert inputs.evaluation_set is not None
    unlabeled = EvaluationSet(inputs.evaluation_set.images, None, ())

    result = run(
        replace(inputs, evaluation_set=unlabeled), params(label_weight=0), RecordingReporter()
    )

    assert set(result.quality) == {"agreement"}


def test_another_seed_gives_another_student(inputs: ImageInputs) -> None:
    first, second = (
        run(inputs, params(seed=seed), RecordingReporter()).network.state_dict() for seed in (0, 1)
    )

    assert not torch.equal(first["head.2.weight"], second["head.2.weight"])


def test_a_student_starts_from_the_weights_of_one_of_its_build(inputs: ImageInputs) -> None:
    still = params(budget={"steps": 1}, learning_rate=1e-12, feature_weight=0)
    first = run(inputs, params(), RecordingReporter()).network

    network = run(replace(inputs, start=first.state_dict()), still, RecordingReporter()).network

    torch.testing.assert_close(
        dict(network.named_parameters()), dict(first.named_parameters()), rtol=1e-4, atol=1e-6
    )


def test_a_start_of_another_build_is_refused(inputs: ImageInputs) -> None:
    first = run(inputs, params(), RecordingReporter()).network

    with pytest.raises(BadStudentError, match="another architecture"):
        wider = params(student={"width": 8, "image_size": 8})
        run(replace(inputs, start=first.state_dict()), wider, RecordingReporter())


def test_labels_that_may_be_there_or_not_are_learned_one_by_one(
    inputs: ImageInputs, tmp_path: Path
) -> None:
    network = convolutional()
    nn.init.constant_(network[-1].bias, 3.0)  # type: ignore[arg-type]
    sure_of_both = replace(teacher_of(network, tmp_path), task=TaskKind.MULTI_LABEL)
    multi_label_inputs = replace(inputs, teachers=(sure_of_both,))

    result = run(
        multi_label_inputs,
        params(label_weight=0, learning_rate=0.02, budget={"steps": 60}),
        RecordingReporter(),
    )

    assert result.manifest.task.kind is TaskKind.MULTI_LABEL
    assert result.quality["agreement"] == 1
    with pytest.raises(NotTeachableError, match="labels of whole images"):
        run(multi_label_inputs, params(), RecordingReporter())


def test_a_student_of_pixels_learns_no_labels_of_whole_images(inputs: ImageInputs) -> None:
    with pytest.raises(BadStudentError, match="predicts pixels"):
        run(inputs, params(student={"architecture": "unet", "width": 4}), RecordingReporter())
