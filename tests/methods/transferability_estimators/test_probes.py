"""Neighbors are the nearest, and no probe is judged on an image that it learned from."""

import pytest
import torch

from tests.methods.oracles import transferability_estimators as oracle
from tests.methods.transferability_estimators.drawn import SHAPES, drawn, labeled_features, plain
from workers.methods.transferability_estimators.linear_probe import linear_probe
from workers.methods.transferability_estimators.neighbors import nearest
from workers.methods.transferability_estimators.probes import knn, left_out, ridge_probe
from workers.methods.transferability_estimators.spectrum import spectrum_of


@pytest.mark.parametrize("neighbors", [1, 5])
def test_knn_agrees_with_its_twin(neighbors: int) -> None:
    features, labels = labeled_features(images=120, units=20, classes=4, offset=0.2)

    accuracy = knn(spectrum_of(features, labels), neighbors=neighbors)

    assert accuracy == pytest.approx(oracle.knn(*plain(features, labels), neighbors))


@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_nearest_are_the_nearest_across_tiles_and_where_all_rows_nearly_agree(
    offset: float,
) -> None:
    features = labeled_features(images=2500, units=24, classes=9, offset=offset)[0]
    rows = torch.nn.functional.normalize(features, dim=1)
    products = rows @ rows.T
    products.fill_diagonal_(-2)

    indices = nearest(rows, count=3)

    worth = products.gather(1, indices)
    torch.testing.assert_close(worth, products.topk(3, dim=1).values, atol=3e-7, rtol=0)


def test_products_are_exact_again_after_neighbors_were_sought() -> None:
    before = torch.backends.mkldnn.matmul.fp32_precision

    nearest(torch.eye(4), count=2)

    assert torch.backends.mkldnn.matmul.fp32_precision == before


@pytest.mark.parametrize("shape", SHAPES)
def test_ridge_left_out_is_ridge_fitted_without_the_image(shape: tuple[int, int, int]) -> None:
    features, labels = drawn(shape)

    spectrum = spectrum_of(features, labels)
    slopes = spectrum.coordinates.square() @ (1 / (spectrum.powers + 3.0)).float()
    predictions = left_out(spectrum, slopes, penalty=3.0)

    expected = torch.from_numpy(oracle.left_out(*plain(features, labels), 3.0)).float()
    torch.testing.assert_close(predictions, expected, atol=2e-4, rtol=1e-3)


def test_probes_tell_classes_apart_that_are_apart_and_guess_where_labels_are_random() -> None:
    features, labels = labeled_features(images=200, units=30, classes=2)
    apart = spectrum_of(features + 8 * labels.unsqueeze(1) * features[0], labels)
    random = spectrum_of(
        features, labels[torch.randperm(200, generator=torch.Generator().manual_seed(1))]
    )

    assert ridge_probe(apart) == linear_probe(apart, folds=5, seed=0) == 1.0
    assert knn(apart, neighbors=5) > 0.9
    assert 0.35 < ridge_probe(random) < 0.65
    assert 0.35 < linear_probe(random, folds=5, seed=0) < 0.65


def test_linear_probe_is_logistic_regression_by_folds() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    features, labels = labeled_features(images=400, units=20, classes=5)
    scaled = features - features.mean(dim=0)
    scaled = (scaled / scaled.square().mean().sqrt()).numpy()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = LogisticRegression(C=1.0, max_iter=1000)
    expected = cross_val_score(model, scaled, labels.numpy(), cv=folds).mean()

    assert linear_probe(spectrum_of(features, labels), folds=5, seed=0) == pytest.approx(
        expected, abs=0.03
    )
