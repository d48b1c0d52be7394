"""A linear layer on frozen features is the converged logistic regression of the same features."""

from dataclasses import replace

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from service.core.catalog.linear_probe import LinearProbeParams
from tests.methods.small_networks import (
    assert_same_weights,
    convolutional,
    image_inputs_of,
    teacher_of,
)
from workers.methods.linear_probe import run
from workers.programs.trainable import TrainableProgram, features_of
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.task import ImageInputs

CONFIG = {"budget": {"steps": 40}, "checkpoint_interval_seconds": 0.0, "layer": "2"}


def params(**changes: object) -> LinearProbeParams:
    return LinearProbeParams.model_validate({**CONFIG, **changes})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> ImageInputs:
    """Three labels that the features separate only in part."""
    inputs = image_inputs_of(teacher_of(convolutional(), tmp_path_factory.mktemp("nets")))
    assert inputs.labels is not None
    mixed = torch.where(torch.arange(48) % 5 == 0, 2, inputs.labels)
    return replace(inputs, labels=mixed, label_names=("dark", "bright", "odd"))


@pytest.mark.parametrize("penalty", [0.1, 1.0, 10.0])
def test_it_is_the_logistic_regression_of_scikit_learn(
    inputs: ImageInputs, penalty: float
) -> None:
    result = run(inputs, params(penalty=penalty), RecordingReporter())

    teacher = inputs.teachers[0]
    body = TrainableProgram(teacher.program, "2")
    features = features_of(body, teacher.of_frames(inputs.images)).double()
    deviation = features.std(dim=0, correction=0).clamp_min(1e-4)
    standardized = (features - features.mean(dim=0)) / deviation
    expected = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000)
    expected.fit(standardized.numpy(), inputs.labels.numpy())
    own = result.network.head(standardized.float()).softmax(dim=1)
    torch.testing.assert_close(
        own.detach().double(),
        torch.from_numpy(expected.predict_proba(standardized.numpy())),
        rtol=0,
        atol=2e-3,
    )


def test_several_labels_are_a_regression_each(inputs: ImageInputs) -> None:
    marks = torch.stack([torch.arange(48) % 2, (torch.arange(48) % 3 == 0).long()], dim=1)
    several = replace(inputs, labels=marks, label_names=("even", "third"), evaluation_set=None)

    result = run(several, params(), RecordingReporter())

    teacher = inputs.teachers[0]
    body = TrainableProgram(teacher.program, "2")
    features = features_of(body, teacher.of_frames(inputs.images)).double()
    deviation = features.std(dim=0, correction=0).clamp_min(1e-4)
    standardized = (features - features.mean(dim=0)) / deviation
    own = result.network.head(standardized.float()).sigmoid().detach().double()
    for label in range(2):
        expected = LogisticRegression(tol=1e-10, max_iter=10_000)
        expected.fit(standardized.numpy(), marks[:, label].numpy())
        probabilities = torch.from_numpy(expected.predict_proba(standardized.numpy())[:, 1])
        torch.testing.assert_close(own[:, label], probabilities, rtol=0, atol=2e-3)


def test_it_ends_when_it_has_converged(inputs: ImageInputs) -> None:
    reporter = RecordingReporter()

    result = run(inputs, params(budget={"steps": 1_000_000}), reporter)

    assert result.history[-1]["step"] < 100
    assert reporter.measurements[-1][0] == result.history[-1]["step"]


def test_it_learns_while_its_source_stays(inputs: ImageInputs) -> None:
    before = inputs.teachers[0].program.fingerprint

    result = run(inputs, params(), RecordingReporter())

    assert result.quality["accuracy"] >= 0.7
    assert result.manifest.classes == ("dark", "bright", "odd")
    assert inputs.teachers[0].program.fingerprint == before


def test_resumed_it_ends_with_the_same_weights(inputs: ImageInputs) -> None:
    whole = RecordingReporter()
    expected = run(inputs, params(penalty=0.001), whole)

    for checkpoint in (whole.checkpoints[0], whole.checkpoints[-1]):
        result = run(inputs, params(penalty=0.001), RecordingReporter(start=checkpoint))

        assert_same_weights(result.network, expected.network)
        assert result.history == expected.history


def test_the_body_keeps_the_weights_of_its_source(inputs: ImageInputs) -> None:
    result = run(inputs, params(), RecordingReporter())

    fresh = TrainableProgram(inputs.teachers[0].program, "2").state_dict()
    for name, value in result.network.body.state_dict().items():
        torch.testing.assert_close(value, fresh[name], rtol=0, atol=0)
