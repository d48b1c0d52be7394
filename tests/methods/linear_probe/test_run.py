"""A linear layer learns a labeled set on frozen features."""

import pytest
import torch

from service.core.catalog.linear_probe import LinearProbeParams
from tests.methods.small_networks import assert_same_weights, convolutional, lesson_of, teacher_of
from workers.methods.linear_probe import run
from workers.programs.trainable import TrainableProgram
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.task import ImageInputs

SHORT = LinearProbeParams.model_validate(
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
    return lesson_of(teacher_of(convolutional(), tmp_path_factory.mktemp("nets")))


def test_it_learns_while_its_source_stays(inputs: ImageInputs) -> None:
    before = inputs.teachers[0].program.fingerprint

    found = run(inputs, SHORT, RecordingReporter())

    assert found.quality["accuracy"] >= 0.9
    assert found.manifest.classes == ("dark", "bright")
    assert inputs.teachers[0].program.fingerprint == before


def test_resumed_it_ends_with_the_same_weights(inputs: ImageInputs) -> None:
    whole = RecordingReporter()
    expected = run(inputs, SHORT, whole)

    found = run(inputs, SHORT, RecordingReporter(start=whole.checkpoints[9]))

    assert_same_weights(found.network, expected.network)


def test_the_body_keeps_the_weights_of_its_source(inputs: ImageInputs) -> None:
    found = run(inputs, SHORT, RecordingReporter())

    fresh = TrainableProgram(inputs.teachers[0].program, "2").state_dict()
    for name, value in found.network.body.state_dict().items():
        torch.testing.assert_close(value, fresh[name], rtol=0, atol=0)
