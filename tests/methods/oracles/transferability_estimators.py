"""Slow plain twins of the estimators: straight from the papers, one class or pair at a time."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]


def logme(features: Matrix, labels: Labels) -> float:
    """LogME by the published fixed point: a singular value decomposition, one class after another.

    Absent singular values count as zeros, as the evidence's D units demand.
    """
    left, singular, _right = np.linalg.svd(features, full_matrices=False)
    significant = singular > 1e-10 * singular[0]
    left, powers = left[:, significant], singular[significant] ** 2
    scores = [
        _evidence(left, powers, (labels == label).astype(float)) for label in np.unique(labels)
    ]
    return float(np.mean(scores))


def _evidence(left: Matrix, powers: Matrix, target: Matrix) -> float:
    """Log evidence per image of one class against the rest."""
    images, rank = left.shape
    explained = (left.T @ target) ** 2
    unexplained = float(target @ target - explained.sum())
    alpha, beta, evidence = 1.0, 1.0, 0.0
    for _ in range(11):
        ratio = alpha / beta
        effective = float((powers / (powers + ratio)).sum())
        weights = float((powers * explained / (powers + ratio) ** 2).sum())
        residuals = float((explained / (1 + powers / ratio) ** 2).sum()) + unexplained
        alpha = effective / (weights + 1e-5)
        beta = (images - effective) / (residuals + 1e-5)
        evidence = 0.5 * (
            rank * math.log(alpha)
            + images * math.log(beta)
            - float(np.log(alpha + beta * powers).sum())
            - beta * residuals
            - alpha * weights
            - images * math.log(2 * math.pi)
        )
        if abs(alpha / beta - ratio) / ratio <= 1e-3:
            break
    return evidence / images


def covariances(features: Matrix, labels: Labels) -> tuple[Matrix, Matrix]:
    """Covariance of the features, and of the features replaced by their class's mean."""
    means = np.stack([features[labels == label].mean(axis=0) for label in labels])
    return np.cov(features.T, bias=True), np.cov(means.T, bias=True)


def h_score(features: Matrix, labels: Labels, share: float) -> float:
    """Trace of the inverse shrunk covariance times the kept share of that between classes."""
    whole, between = covariances(features, labels)
    units = len(whole)
    shrunk = (1 - share) * whole + share * np.trace(whole) / units * np.eye(units)
    return float(np.trace(np.linalg.pinv(shrunk) @ between) * (1 - share))


def leep(probabilities: Matrix, labels: Labels) -> float:
    """Mean log of the expected empirical predictor, image by image."""
    images, sources = probabilities.shape
    total = 0.0
    for row, label in zip(probabilities, labels, strict=True):
        expected = 0.0
        for source in range(sources):
            joint = probabilities[labels == label, source].sum()
            expected += row[source] * joint / probabilities[:, source].sum()
        total += math.log(expected)
    return total / images


def nce(answers: Sequence[int], labels: Sequence[int]) -> float:
    """Mean log share of an image's label among the images with the same answer."""
    pairs, single = Counter(zip(answers, labels, strict=True)), Counter(answers)
    logs = [
        math.log(pairs[answer, label] / single[answer])
        for answer, label in zip(answers, labels, strict=True)
    ]
    return sum(logs) / len(logs)


def coding_rate(rows: Matrix) -> float:
    """½ log det(I + ZᵀZ / (n ε)) with ε = 10⁻⁴."""
    images, units = rows.shape
    return 0.5 * float(np.linalg.slogdet(np.eye(units) + rows.T @ rows / (images * 1e-4))[1])


def trans_rate(features: Matrix, labels: Labels) -> float:
    """Rate of everything less the classes' mean rate."""
    centered = features - features.mean(axis=0)
    rates = [coding_rate(centered[labels == label]) for label in np.unique(labels)]
    return coding_rate(centered) - float(np.mean(rates))


def linear_cka(features: Matrix, labels: Labels) -> float:
    """The normalized Hilbert-Schmidt criterion of two n × n kernels."""
    images = len(labels)
    centering = np.eye(images) - 1 / images
    hot = np.eye(labels.max() + 1)[labels]
    left, right = (centering @ matrix @ matrix.T @ centering for matrix in (features, hot))
    return float((left * right).sum() / math.sqrt((left**2).sum() * (right**2).sum()))


def gbc(features: Matrix, labels: Labels) -> float:
    """Minus the sum, over ordered pairs of classes, of their spherical Gaussians' overlap."""
    total, units = 0.0, features.shape[1]
    for first in np.unique(labels):
        for second in np.unique(labels):
            if first == second:
                continue
            groups = features[labels == first], features[labels == second]
            means = [group.mean(axis=0) for group in groups]
            sizes = [group.var(axis=0).mean() for group in groups]
            middle = sum(sizes) / 2
            distance = ((means[0] - means[1]) ** 2).sum() / (8 * middle)
            distance += units / 2 * math.log(middle / math.sqrt(sizes[0] * sizes[1]))
            total += math.exp(-distance)
    return -total


def parc(features: Matrix, labels: Labels) -> float:
    """Spearman of 1 − Pearson between rows of features and of one-hot labels, by scipy.

    Rounded, because one-hot correlations that are equal on paper differ in the last bit and would
    be ranked by it.
    """
    from scipy.stats import spearmanr

    hot = np.eye(labels.max() + 1)[labels]
    upper = np.triu_indices(len(labels), 1)
    sides = [(1 - np.corrcoef(rows))[upper].round(12) for rows in (features, hot)]
    return float(spearmanr(*sides)[0])


def rsa(features: Matrix, labels: Labels) -> float:
    """The same once the mean feature is taken away."""
    return parc(features - features.mean(axis=0), labels)


def knn(features: Matrix, labels: Labels, neighbors: int) -> float:
    """Leave-one-out majority by cosine; of equals the class whose member is nearest."""
    right = 0
    for index, row in enumerate(features):
        cosines = [
            -math.inf if other == index
            else float(row @ other_row) / math.sqrt(float(row @ row) * float(other_row @ other_row))
            for other, other_row in enumerate(features)
        ]  # fmt: skip
        near = sorted(range(len(cosines)), key=lambda candidate: -cosines[candidate])[:neighbors]
        votes = Counter(int(labels[neighbor]) for neighbor in near)
        right += votes.most_common(1)[0][0] == labels[index]
    return right / len(labels)


def left_out(features: Matrix, labels: Labels, penalty: float) -> Matrix:
    """Ridge regression with a free intercept, fitted again without each image."""
    hot = np.eye(labels.max() + 1)[labels]
    answers = []
    for index in range(len(labels)):
        design = np.column_stack([features, np.ones(len(labels))])
        rows, targets = np.delete(design, index, 0), np.delete(hot, index, 0)
        size = np.diag([penalty] * features.shape[1] + [0.0])
        weights = np.linalg.solve(rows.T @ rows + size, rows.T @ targets)
        answers.append(design[index] @ weights)
    return np.stack(answers)


def posterior(rows: Matrix, weights: Sequence[float], means: Matrix, variances: Matrix) -> Matrix:
    """Bayes' rule for Gaussians with diagonal covariances, one density at a time."""
    densities = np.zeros((len(rows), len(weights)))
    for image, row in enumerate(rows):
        for part, weight in enumerate(weights):
            density = weight
            for value, mean, variance in zip(row, means[part], variances[part], strict=True):
                density *= math.exp(-((value - mean) ** 2) / (2 * variance))
                density /= math.sqrt(2 * math.pi * variance)
            densities[image, part] = density
    return densities / densities.sum(axis=1, keepdims=True)
