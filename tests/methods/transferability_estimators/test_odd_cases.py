"""Odd networks on odd targets give the right score or a typed reason, never noise.

Networks that end in softmax or log-softmax, answer almost constantly, or have one output; targets of
one image per class, a hundred classes of two, sixty images against one, and one image repeated.
"""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from service.core.catalog.measurement import LABEL_SCORES, Estimator, LabelEdges
from service.core.catalog.transferability_estimators import TransferabilityEstimatorsParams
from tests.workers.torchkit.small_networks import PLAIN, SIDE, convolutional, reader_of
from workers.methods import transferability_estimators
from workers.methods.transferability_estimators import (
    TransferabilityEstimatorsData,
    TransferabilityEstimatorsResult,
    estimates,
)
from workers.programs.outputs import scale_of
from workers.torchkit.class_scores import class_probabilities
from workers.torchkit.protocols import silent

CODES = {
    "class_without_spread",
    "constant_distances",
    "constant_features",
    "no_class_logits",
    "no_labels",
    "one_image_per_class",
    "too_few_classes",
}
FROM_SCORES = (Estimator.LEEP, Estimator.NCE)


class NearlyConstant(nn.Sequential):
    """Answers that hardly move: in float32 they are all the same."""

    def forward(self, images: Tensor) -> Tensor:
        """A network's answer, a trillion times smaller, plus 3."""
        return super().forward(images) * 1e-12 + 3.0


class LogOfSoftmax(nn.Module):
    """Log-probabilities that underflow to −∞."""

    def forward(self, scores: Tensor) -> Tensor:
        """The logarithm of a softmax."""
        return (400 * scores).softmax(dim=1).log()


def ending_in(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*convolutional(), *layers)


NETWORKS = {
    "logits": convolutional(),
    "probabilities": ending_in(nn.Softmax(1)),
    "log-probabilities": ending_in(nn.LogSoftmax(1)),
    "log-probabilities down to −∞": ending_in(LogOfSoftmax()),
    "nearly constant answers": NearlyConstant(*convolutional()),
    "a single output": ending_in(nn.Linear(3, 1)),
}
TARGETS = {
    "three classes of twelve": [label for label in range(3) for _ in range(12)],
    "one image per class": list(range(5)),
    "a hundred classes of two": [label for label in range(100) for _ in range(2)],
    "sixty against one": [0] * 60 + [1],
    "one class": [0] * 12,
    "no labels": [-1] * 12,
}


def picture(kind: int, generator: np.random.Generator) -> np.ndarray:
    """Dark noise with a band of one color, by kind."""
    pixels = (generator.random((SIDE, SIDE, 3)) * 60).astype(np.uint8)
    pixels[: (kind % 5 + 1) * 2, :, kind % 3] += 150
    return pixels


def pictures(labels: list[int]) -> Tensor:
    generator = np.random.default_rng(3)
    return torch.from_numpy(np.stack([picture(label, generator) for label in labels]))


def result_of(
    network: nn.Module, images: Tensor, labels: list[int]
) -> TransferabilityEstimatorsResult:
    inputs = TransferabilityEstimatorsData(
        reader_of(network, "6"), PLAIN, "output", images, torch.tensor(labels), ("a", "b")
    )
    return transferability_estimators.run(inputs, TransferabilityEstimatorsParams(), silent)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_odd_network_on_every_odd_target_gets_a_number_or_a_reason(
    network: str, target: str
) -> None:
    labels = TARGETS[target]

    result = result_of(NETWORKS[network], pictures(labels), labels)

    assert set(result.scores) == set(LABEL_SCORES)
    for estimator, score in result.scores.items():
        if score is None:
            assert result.reasons[estimator].code in CODES
        else:
            assert math.isfinite(score)


@pytest.mark.parametrize("network", ["probabilities", "log-probabilities"])
def test_a_softmax_at_the_end_changes_no_score(network: str) -> None:
    labels = TARGETS["three classes of twelve"]
    images = pictures(labels)

    result = result_of(NETWORKS[network], images, labels)

    plain = result_of(NETWORKS["logits"], images, labels)
    for estimator in LABEL_SCORES:
        assert result.scores[estimator] == pytest.approx(plain.scores[estimator], rel=1e-5)


def test_log_probabilities_of_minus_infinity_lose_no_image() -> None:
    labels = TARGETS["three classes of twelve"]

    result = result_of(NETWORKS["log-probabilities down to −∞"], pictures(labels), labels)

    assert result.images == len(labels)
    assert result.scores[Estimator.LEEP] is not None


def test_constant_answers_predict_the_labels_as_well_as_their_frequencies() -> None:
    labels = TARGETS["three classes of twelve"]

    result = result_of(NETWORKS["nearly constant answers"], pictures(labels), labels)

    for estimator in FROM_SCORES:
        assert result.scores[estimator] == pytest.approx(-math.log(3))


def test_a_single_output_is_no_classifier() -> None:
    labels = TARGETS["three classes of twelve"]

    result = result_of(NETWORKS["a single output"], pictures(labels), labels)

    assert {result.reasons[name].code for name in FROM_SCORES} == {"no_class_logits"}
    assert result.scores[Estimator.LINEAR_CKA] is not None


@pytest.mark.parametrize("value", [0, 90])
def test_the_same_image_again_and_again_has_no_score_by_features(value: int) -> None:
    images = torch.full((12, SIDE, SIDE, 3), value, dtype=torch.uint8)

    result = result_of(convolutional(), images, [0, 1] * 6)

    by_features = set(LABEL_SCORES) - set(FROM_SCORES)
    assert {result.reasons[name].code for name in by_features} == {"constant_features"}
    assert result.scores[Estimator.LEEP] == pytest.approx(-math.log(2))


def test_distances_between_equal_features_are_not_ranked_by_their_rounding_errors() -> None:
    row = torch.linspace(0.1, 1.7, 700)
    features = row.repeat(40, 1) * (1 + 1e-9 * torch.arange(40).unsqueeze(1))

    result = estimates(features, torch.arange(40) % 2)

    for estimator in (Estimator.PARC, Estimator.RSA, *LabelEdges):
        assert result.reasons[estimator].code == "constant_features"


def test_values_show_what_class_scores_are() -> None:
    logits = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    expected = logits.double().softmax(dim=1)

    assert scale_of(logits, task="classification") == "logits"
    halved = logits.softmax(dim=1).half().float()
    assert scale_of(halved, task="classification") == "probabilities"
    for scores in (logits, logits.softmax(dim=1), logits.log_softmax(dim=1)):
        torch.testing.assert_close(class_probabilities(scores), expected, rtol=1e-6, atol=1e-7)


def test_a_single_row_that_is_no_distribution_makes_all_rows_logits() -> None:
    scores = torch.tensor([[0.25, 0.75], [0.5, 2.5]])

    assert scale_of(scores, task="classification") != "probabilities"
