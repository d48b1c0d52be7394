"""Do networks that belong together stand together? Counted on a matrix of similarities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class GroupCloseness:
    """Similarities of pairs within groups and between groups.

    Attributes:
        within, between: Mean similarity.
        pairs_within, pairs_between: Number of pairs.
        auc: Chance that a pair within is more similar than one between; ties count half.
        p: Share of label permutations (the true one counted) with a gap of means as large.
        nearest: Networks with company whose nearest neighbor is of their group.
        with_company: Networks that have another of their group.
    """

    within: float
    between: float
    pairs_within: int
    pairs_between: int
    auc: float
    p: float
    nearest: int
    with_company: int


def closeness(
    matrix: Matrix, labels: Sequence[str], *, permutations: int = 20_000, seed: int = 0
) -> GroupCloseness:
    """How much closer networks with equal labels are than others.

    Args:
        matrix: Symmetric similarities, model by model; the diagonal is not read.
        labels: A group for each model.
        permutations: Of the labels over the models.
        seed: Of the permutations.
    """
    groups = np.unique(np.asarray(labels), return_inverse=True)[1]
    rows, columns = np.triu_indices(len(groups), k=1)
    values, same = matrix[rows, columns], groups[rows] == groups[columns]
    generator = np.random.default_rng(seed)
    gap = _gap(values, same)
    as_large = sum(
        _gap(values, shuffled[rows] == shuffled[columns]) >= gap
        for shuffled in (generator.permutation(groups) for _ in range(permutations))
    )
    nearest, company = _neighbors(matrix, groups)
    return GroupCloseness(
        within=float(values[same].mean()),
        between=float(values[~same].mean()),
        pairs_within=int(same.sum()),
        pairs_between=int((~same).sum()),
        auc=_auc(values[same], values[~same]),
        p=(as_large + 1) / (permutations + 1),
        nearest=nearest,
        with_company=company,
    )


def means_by_kinship(
    matrix: Matrix, tasks: Sequence[str], families: Sequence[str]
) -> dict[tuple[str, str], tuple[float, int]]:
    """Mean similarity and number of pairs, by ("same" | "other" task, "same" | "other" family)."""
    rows, columns = np.triu_indices(len(tasks), k=1)
    values = matrix[rows, columns]
    same_task, same_family = (
        np.asarray(labels)[rows] == np.asarray(labels)[columns] for labels in (tasks, families)
    )
    means = {}
    for task in ("same", "other"):
        for family in ("same", "other"):
            chosen = (same_task == (task == "same")) & (same_family == (family == "same"))
            mean = float(values[chosen].mean()) if chosen.any() else float("nan")
            means[task, family] = (mean, int(chosen.sum()))
    return means


def _gap(values: Matrix, same: NDArray[np.bool_]) -> float:
    return float(values[same].mean() - values[~same].mean())


def _auc(within: Matrix, between: Matrix) -> float:
    higher = within[:, None] > between[None, :]
    equal = within[:, None] == between[None, :]
    return float((higher + 0.5 * equal).mean())


def _neighbors(matrix: Matrix, groups: NDArray[np.int_]) -> tuple[int, int]:
    others = matrix.copy()
    np.fill_diagonal(others, -np.inf)
    nearest = groups[others.argmax(axis=1)]
    company = np.bincount(groups)[groups] > 1
    return int((nearest == groups)[company].sum()), int(company.sum())
