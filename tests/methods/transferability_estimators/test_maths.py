"""Every estimator is its published equation: on paper, against a plain twin, and by its bounds."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, spearmanr
from sklearn.covariance import LedoitWolf

from service.core.catalog.measurement import Spectrum
from tests.methods.oracles import transferability_estimators as oracle
from tests.methods.transferability_estimators.drawn import SHAPES, drawn, labeled_features, plain
from workers.methods.transferability_estimators.evidence import logme
from workers.methods.transferability_estimators.mixture import (
    Mixture,
    fitted,
    maximized,
    n_leep,
    posterior,
)
from workers.methods.transferability_estimators.pairs import (
    balanced_sample,
    label_edges,
    parc,
    rsa,
)
from workers.methods.transferability_estimators.scatter import (
    gbc,
    h_score,
    linear_cka,
    shrinkage,
    trans_rate,
)
from workers.methods.transferability_estimators.source_classes import leep, nce
from workers.methods.transferability_estimators.spectrum import FeatureSpectrum, spectrum_of


def spectrum(features: list[list[float]], labels: list[int]) -> FeatureSpectrum:
    return spectrum_of(torch.tensor(features), torch.tensor(labels))


@pytest.mark.parametrize("shape", SHAPES)
def test_logme_agrees_with_the_published_fixed_point(shape: tuple[int, int, int]) -> None:
    features, labels = drawn(shape)

    score = logme(spectrum_of(features, labels))

    assert score == pytest.approx(oracle.logme(*plain(features, labels)), rel=1e-6, abs=1e-6)


def test_logme_is_the_greatest_evidence_that_a_search_finds() -> None:
    features, labels = labeled_features(images=40, units=5, classes=2)
    rows, classes = plain(features, labels)

    def missing(logs: np.ndarray) -> float:
        covariance = np.eye(40) / math.exp(logs[1]) + rows @ rows.T / math.exp(logs[0])
        return -float(multivariate_normal(np.zeros(40), covariance).logpdf(target))

    best = []
    for label in (0, 1):
        target = (classes == label).astype(float)
        best.append(-minimize(missing, np.zeros(2), method="Nelder-Mead").fun / 40)

    assert logme(spectrum_of(features, labels)) == pytest.approx(np.mean(best), abs=1e-4)


def test_logme_does_not_depend_on_the_side_of_the_gram_matrix() -> None:
    features, labels = labeled_features(images=50, units=49, classes=5)
    wider = torch.cat([features, torch.zeros(50, 30)], dim=1)

    assert logme(spectrum_of(wider, labels)) == pytest.approx(
        logme(spectrum_of(features, labels)), abs=1e-8
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_shrinkage_is_that_of_ledoit_and_wolf(shape: tuple[int, int, int]) -> None:
    features, labels = drawn(shape)

    estimate = shrinkage(spectrum_of(features, labels))

    assert estimate == pytest.approx(
        LedoitWolf().fit(features.double().numpy()).shrinkage_, rel=1e-5
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_h_score_is_the_trace_of_the_shrunk_inverse(shape: tuple[int, int, int]) -> None:
    features, labels = drawn(shape)
    spectrum = spectrum_of(features, labels)

    expected = oracle.h_score(*plain(features, labels), shrinkage(spectrum))

    assert h_score(spectrum) == pytest.approx(expected, rel=1e-4)


def test_h_score_on_paper_is_one_for_two_points_of_two_classes() -> None:
    # x = −1, −1, 1, 1: covariance 1, covariance of the means 1, all |x| equal: nothing is shrunk.
    assert h_score(spectrum([[-1.0], [-1.0], [1.0], [1.0]], [0, 0, 1, 1])) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_h_score_stays_below_the_number_of_classes_when_the_covariance_is_singular(
    seed: int,
) -> None:
    features, labels = labeled_features(images=20, units=800, classes=4, seed=seed)

    assert 0 < h_score(spectrum_of(features * 1e3, labels)) <= 3


def test_leep_and_nce_on_paper() -> None:
    # Source 0 holds labels 0 and 1, source 1 only label 1: (ln ½ + ln ½ + 0 + 0) / 4.
    sure = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]], dtype=torch.float64)
    labels = torch.tensor([0, 1, 1, 1])

    assert leep(sure, labels) == pytest.approx(-0.5 * math.log(2))
    assert nce(sure, labels) == pytest.approx(-0.5 * math.log(2))


def test_leep_of_an_undecided_network_is_the_log_odds_of_guessing() -> None:
    undecided = torch.full((4, 3), 1 / 3, dtype=torch.float64)

    assert leep(undecided, torch.tensor([0, 0, 0, 1])) == pytest.approx(
        0.75 * math.log(0.75) + 0.25 * math.log(0.25)
    )


def test_leep_and_nce_agree_with_their_twins() -> None:
    logits, labels = labeled_features(images=50, units=6, classes=4)
    probabilities = logits.double().softmax(dim=1)

    assert leep(probabilities, labels) == pytest.approx(
        oracle.leep(probabilities.numpy(), labels.numpy())
    )
    answers = logits.argmax(dim=1).tolist()
    assert nce(logits, labels) == pytest.approx(oracle.nce(answers, labels.tolist()))


@pytest.mark.parametrize("shape", SHAPES)
def test_trans_rate_is_the_difference_of_coding_rates(shape: tuple[int, int, int]) -> None:
    features, labels = drawn(shape)

    rate = trans_rate(spectrum_of(features, labels))

    assert rate == pytest.approx(oracle.trans_rate(*plain(features, labels)), rel=1e-5)


def test_trans_rate_on_paper() -> None:
    # Everything: ½ ln(1 + 8 / (4 · 10⁻⁴)); class 0: ½ ln(1 + 8 / (2 · 10⁻⁴)); class 1: 0.
    rate = trans_rate(spectrum([[-2.0], [0.0], [0.0], [2.0]], [0, 1, 1, 0]))

    assert rate == pytest.approx(0.5 * math.log(20001) - 0.25 * math.log(40001), rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_linear_cka_is_the_alignment_of_two_kernels(shape: tuple[int, int, int]) -> None:
    features, labels = drawn(shape)

    alignment = linear_cka(spectrum_of(features, labels))

    assert alignment == pytest.approx(oracle.linear_cka(*plain(features, labels)), rel=1e-6)


def test_linear_cka_of_labels_with_themselves_is_one() -> None:
    assert linear_cka(
        spectrum([[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 1, 2])
    ) == pytest.approx(1.0)


def test_gbc_on_paper() -> None:
    # Means 1 and 5, variances 1: D_B = 16 / 8, and each of the two orders counts.
    assert gbc(spectrum([[0.0], [2.0], [4.0], [6.0]], [0, 0, 1, 1])) == pytest.approx(
        -2 * math.exp(-2), rel=1e-5
    )


def test_gbc_agrees_with_its_twin_where_all_axes_count() -> None:
    features, labels = labeled_features(images=60, units=12, classes=4)

    score = gbc(spectrum_of(features, labels))

    assert score == pytest.approx(oracle.gbc(*plain(features, labels)), rel=1e-4)


def test_parc_on_paper() -> None:
    # Pairs 01, 02, 12 have feature distances 0, 2, 2 and label distances 0, 1, 1.
    features = torch.tensor([[0.0, 1.0], [0.0, 2.0], [1.0, 0.0]])

    assert parc(features, torch.tensor([0, 0, 1])) == pytest.approx(1.0)
    assert parc(features, torch.tensor([0, 1, 0])) == pytest.approx(-0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_parc_and_rsa_are_spearman_of_two_distance_matrices(shape: tuple[int, int, int]) -> None:
    features, labels = drawn(shape)

    assert parc(features, labels) == pytest.approx(oracle.parc(*plain(features, labels)), abs=1e-9)
    assert rsa(features, labels) == pytest.approx(oracle.rsa(*plain(features, labels)), abs=1e-9)


def test_a_posterior_is_bayes_rule() -> None:
    rows = torch.tensor([[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]])
    means = torch.tensor([[0.0, 0.0], [1.0, -1.0]])
    variances = torch.tensor([[1.0, 0.5], [2.0, 1.0]])
    mixture = Mixture(torch.tensor([0.3, 0.7]).log(), means, variances)

    shares, _likelihood = posterior(rows, mixture)

    expected = oracle.posterior(rows.numpy(), [0.3, 0.7], means.numpy(), variances.numpy())
    torch.testing.assert_close(shares.double(), torch.from_numpy(expected), atol=1e-6, rtol=1e-5)


def test_expectation_maximization_never_loses_likelihood() -> None:
    rows = labeled_features(images=300, units=4, classes=3, offset=0)[0]
    mixture = fitted(rows, components=2, seed=0)

    shares, before = posterior(rows, mixture)
    _shares, after = posterior(rows, maximized(rows, shares))

    assert after > before - 1e-3


def test_n_leep_prefers_features_that_separate_the_classes() -> None:
    features, labels = labeled_features(images=200, units=10, classes=3)
    apart = features + 10 * torch.eye(10)[labels]

    good, poor = (n_leep(spectrum_of(rows, labels), seed=0) for rows in (apart, features))

    assert poor < good <= 0


def test_a_small_sample_takes_turns_between_classes() -> None:
    labels = torch.tensor([0] * 50 + [1] * 5 + [2] * 3)

    chosen = labels[balanced_sample(labels, count=12, seed=0)]

    assert chosen.bincount().tolist() in ([5, 4, 3], [4, 5, 3])


def test_label_edges_on_paper() -> None:
    # Centered rows at 0°, 0°, 180° and 180°: edges 1 within a class, −1 between classes.
    features = torch.tensor([[2.0, 1.0], [1.0, 1.0], [-2.0, 1.0], [-1.0, 1.0]])

    for spectrum in Spectrum:
        agreement = label_edges(features, torch.tensor([0, 0, 1, 1]), spectrum=spectrum)
        assert agreement == pytest.approx(1.0)
    assert label_edges(
        features, torch.tensor([0, 1, 0, 1]), spectrum=Spectrum.NATURAL
    ) == pytest.approx(-0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_label_edges_are_the_spearman_of_centered_cosines_and_of_equal_labels(
    shape: tuple[int, int, int],
) -> None:
    features, labels = drawn(shape)
    rows, classes = plain(features, labels)
    centered = rows - rows.mean(axis=0)
    units = centered / np.linalg.norm(centered, axis=1, keepdims=True)
    first, second = np.triu_indices(len(rows), 1)

    expected = spearmanr((units @ units.T)[first, second], classes[first] == classes[second])

    agreement = label_edges(features, labels, spectrum=Spectrum.NATURAL)
    assert agreement == pytest.approx(expected.statistic, abs=1e-6)
