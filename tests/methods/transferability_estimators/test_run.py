"""One network becomes a score for every estimator, or a reason; never a number that is none."""

import math

import pytest
import torch
from torch import Tensor, nn

from service.core.catalog.measurement import LABEL_SCORES, Estimator, LabelEdges
from service.core.catalog.transferability_estimators import TransferabilityEstimatorsParams
from tests.methods.transferability_estimators.drawn import labeled_features
from tests.workers.torchkit.small_networks import PLAIN, convolutional, reader_of, some_images
from workers.methods import transferability_estimators
from workers.methods.transferability_estimators import (
    Estimates,
    EstimateSettings,
    TransferabilityEstimatorsData,
    TransferabilityEstimatorsResult,
    estimates,
)
from workers.torchkit.protocols import silent

FROM_LOGITS = {Estimator.LEEP, Estimator.NCE}
HELD_OUT = {Estimator.KNN, Estimator.RIDGE_PROBE, Estimator.LINEAR_PROBE}


def result_of(
    network: nn.Module, labels: Tensor, *, logits_layer: str | None
) -> TransferabilityEstimatorsResult:
    images = some_images(len(labels))
    inputs = TransferabilityEstimatorsData(
        reader_of(network, "6"), PLAIN, logits_layer, images, labels, ("a", "b")
    )
    return transferability_estimators.run(inputs, TransferabilityEstimatorsParams(), silent)


def without_score(result: Estimates | TransferabilityEstimatorsResult) -> set[Estimator]:
    return {estimator for estimator, score in result.scores.items() if score is None}


def all_finite_or_explained(result: Estimates | TransferabilityEstimatorsResult) -> bool:
    scores = [score for score in result.scores.values() if score is not None]
    complete = set(result.scores) == set(LABEL_SCORES)
    return (
        complete
        and all(map(math.isfinite, scores))
        and set(result.reasons) == without_score(result)
    )


def test_a_classifier_gets_every_score() -> None:
    result = result_of(convolutional(), torch.arange(24) % 2, logits_layer="output")

    assert without_score(result) == set()
    assert all_finite_or_explained(result)
    assert (result.images, result.classes) == (24, 2)


def test_a_network_without_class_logits_gets_all_but_leep_and_nce() -> None:
    result = result_of(convolutional(), torch.arange(24) % 2, logits_layer=None)

    assert without_score(result) == FROM_LOGITS
    assert {result.reasons[estimator].code for estimator in FROM_LOGITS} == {"no_class_logits"}


def test_images_without_a_label_are_left_out() -> None:
    labels = torch.arange(24) % 2
    labels[20:] = -1

    result = result_of(convolutional(), labels, logits_layer=None)

    assert result.images == 20


@pytest.mark.parametrize(("label", "code"), [(-1, "no_labels"), (0, "too_few_classes")])
def test_labels_that_tell_nothing_give_reasons_only(label: int, code: str) -> None:
    result = result_of(convolutional(), torch.full((12,), label), logits_layer="output")

    assert without_score(result) == set(LABEL_SCORES)
    assert {reason.code for reason in result.reasons.values()} == {code}


def test_features_that_never_change_give_a_reason_and_leep_stays() -> None:
    labels = torch.arange(20) % 2
    logits = torch.nn.functional.one_hot(labels, 3).float()

    result = estimates(torch.full((20, 6), 0.3), labels, logits)

    assert set(LABEL_SCORES) - without_score(result) == FROM_LOGITS
    assert all_finite_or_explained(result)
    assert result.reasons[Estimator.LOGME].code == "constant_features"


def test_units_that_never_change_do_no_harm() -> None:
    features, labels = labeled_features(images=40, units=8, classes=3)
    padded = torch.cat([features, torch.zeros(40, 5), torch.ones(40, 5)], dim=1)

    result = estimates(padded, labels)

    assert without_score(result) == FROM_LOGITS
    assert all_finite_or_explained(result)


def test_one_image_per_class_is_a_reason_where_something_must_be_held_out() -> None:
    features, labels = labeled_features(images=8, units=5, classes=8)

    result = estimates(features, labels)

    pairs = {Estimator.PARC, Estimator.RSA, Estimator.GBC, *LabelEdges}
    assert without_score(result) == FROM_LOGITS | HELD_OUT | pairs
    assert all_finite_or_explained(result)
    assert {result.reasons[estimator].code for estimator in HELD_OUT} == {"one_image_per_class"}


def test_images_with_features_that_are_not_finite_are_left_out() -> None:
    features, labels = labeled_features(images=40, units=8, classes=3)
    features[7, 2], features[30, 0] = torch.nan, torch.inf

    result = estimates(features, labels)

    assert result.images == 38
    assert all_finite_or_explained(result)


@pytest.mark.parametrize("scale", [1e-12, 1e12, 1e30])
def test_no_scale_of_features_gives_a_number_that_is_none(scale: float) -> None:
    features, labels = labeled_features(images=40, units=8, classes=3)

    assert all_finite_or_explained(estimates(features * scale, labels))


@pytest.mark.parametrize(("images", "units"), [(3, 1), (4, 2), (12, 3000), (300, 2)])
def test_every_shape_gives_scores_or_reasons(images: int, units: int) -> None:
    features, labels = labeled_features(images=images, units=units, classes=2)

    assert all_finite_or_explained(estimates(features, labels, features))


def test_the_same_seed_gives_the_same_scores() -> None:
    features, labels = labeled_features(images=60, units=8, classes=3)
    settings = EstimateSettings(seed=4, pair_images=20)

    first, second = (estimates(features, labels, settings=settings) for _ in range(2))

    assert first == second


def test_class_numbers_need_not_be_consecutive() -> None:
    features, labels = labeled_features(images=60, units=8, classes=3)

    assert estimates(features, labels * 7 + 2).scores == estimates(features, labels).scores
