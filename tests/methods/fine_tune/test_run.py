"""A network of the zoo learns a labeled set from a layer on, and the one it came from stays."""

from dataclasses import replace

import pytest
import torch

from service.core.catalog.fine_tune import FineTuneParams
from tests.methods.small_networks import (
    assert_same_weights,
    convolutional,
    image_inputs_of,
    teacher_of,
)
from workers.methods.fine_tune import run
from workers.programs.trainable import TrainableProgram
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.transfers import NotTransferableError

SHORT = FineTuneParams.model_validate(
    {
        "budget": {"steps": 40},
        "batch_size": 8,
        "learning_rate": 0.02,
        "num_evaluations": 2,
        "checkpoint_interval_seconds": 0.0,
        "layer": "2",
    }
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ImageInputs:
    return image_inputs_of(teacher_of(convolutional(), tmp_path_factory.mktemp("nets")))


def test_it_learns_while_its_source_stays(inputs: ImageInputs) -> None:
    before = inputs.teachers[0].program.fingerprint

    result = run(inputs, SHORT, RecordingReporter())

    assert result.quality["accuracy"] >= 0.9
    assert result.manifest.classes == ("dark", "bright")
    assert inputs.teachers[0].program.fingerprint == before


def test_resumed_it_ends_with_the_same_weights(inputs: ImageInputs) -> None:
    whole = RecordingReporter()
    expected = run(inputs, SHORT, whole)

    result = run(inputs, SHORT, RecordingReporter(start=whole.checkpoints[9]))

    assert_same_weights(result.network, expected.network)


def test_a_trainable_view_says_what_the_program_says_and_holds_only_what_it_needs(
    inputs: ImageInputs,
) -> None:
    program = inputs.teachers[0].program
    images = torch.randn(5, *program.input_shape, generator=torch.Generator().manual_seed(0))

    view = TrainableProgram(program, "2")

    torch.testing.assert_close(view(images), program.read(images, ["2"])["2"].mean(dim=(2, 3)))
    assert {tuple(weight.shape) for weight in view.parameters()} == {(6, 3, 3, 3), (6,)}
    assert all(weight.requires_grad for weight in view.parameters())


def test_a_set_of_one_label_is_refused(inputs: ImageInputs) -> None:
    assert inputs.labels is not None
    alike = replace(inputs, labels=torch.zeros_like(inputs.labels))

    with pytest.raises(NotTransferableError, match="fewer than two labels"):
        run(alike, SHORT, RecordingReporter())
