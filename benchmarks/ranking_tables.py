"""Tables on which rankings are chosen and evaluated: halves of real tables, and simulated ones.

Development tables choose the method; held-back tables are read once, at the end. Both lists are
fixed in this module, so a change of either shows in its history.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.special import expit, logit, ndtr

from workers.tools.ranking_bench.tables import Table, read_table

FAILED_SHARE = 0.8
Cells = Float64[ndarray, "model dataset"]


def development_tables(data: Path) -> Iterator[Table]:
    """Even columns of every real table, and simulated tables with the seeds 0 to 3."""
    for table in _real(data):
        yield half(table, 0)
    yield from _failed_development()
    yield crowded("crowded_a", seed=2, models=120, datasets=8)
    yield strong_fact("strong_fact_a", seed=3, models=80, datasets=8)


def held_back_tables(data: Path) -> Iterator[Table]:
    """Odd columns of every real table, and simulated tables with other seeds and structures."""
    for table in _real(data):
        yield half(table, 1)
    yield from _failed_held_back()
    yield crowded("crowded_b", seed=12, models=90, datasets=8)
    yield strong_fact("strong_fact_b", seed=13, models=60, datasets=8)
    yield groups("groups", seed=14, models=80, datasets=10)
    yield heavy_tails("heavy_tails", seed=15, models=70, datasets=10)


def development_tables_of_version_4() -> Iterator[Table]:
    """The development tables with failed runs, and a larger one."""
    yield from _failed_development()
    yield failed_runs("failed_runs_g", seed=4, models=143, datasets=9, shift=1.2)


def held_back_tables_of_version_4() -> Iterator[Table]:
    """The held-back tables with failed runs, and four that version 3 did not read."""
    yield from _failed_held_back()
    yield failed_runs("failed_runs_e", seed=20, models=100, datasets=9, shift=0.8)
    yield failed_runs("failed_runs_f", seed=21, models=60, datasets=8, shift=0.0)
    yield tied_failures("tied_failures", seed=22, models=90, datasets=9)
    yield groups("groups_b", seed=23, models=60, datasets=9)


def half(table: Table, first: int) -> Table:
    """Every second target of a table, from column ``first``, as a table of its own."""
    chosen = np.arange(first, len(table.targets), 2)
    return replace(
        table,
        name=f"{table.name}, {'odd' if first else 'even'} columns",
        targets=tuple(table.targets[column] for column in chosen),
        accuracies=table.accuracies[:, chosen],
        scores={name: values[:, chosen] for name, values in table.scores.items()},
    )


def failed_runs(name: str, *, seed: int, models: int, datasets: int, shift: float) -> Table:
    """Accuracies with failed runs: a failed cell is 0.8 times the minimum plus small noise.

    A model fails with a probability from Beta(0.6, 0.6); its logit moves by N(shift, 1) for each
    dataset.
    """
    rng = np.random.default_rng(seed)
    latent = _low_rank(rng, models=models, datasets=datasets, own=0.5)
    accuracies = _levels(rng, datasets) + rng.uniform(0.02, 0.06, datasets) * latent
    chance = np.clip(rng.beta(0.6, 0.6, models), 1e-6, 1 - 1e-6)
    logits = logit(chance)[:, None] + rng.normal(shift, 1.0, datasets)
    has_failed = rng.random(latent.shape) < expit(logits)
    floor = FAILED_SHARE * accuracies.min(axis=0)
    failed = floor + 0.003 * np.abs(rng.normal(size=latent.shape))
    return _named(name, np.where(has_failed, failed, accuracies))


def tied_failures(name: str, *, seed: int, models: int, datasets: int) -> Table:
    """Failed runs that all reach the same accuracy, and some runs that learn only a little."""
    rng = np.random.default_rng(seed)
    latent = _low_rank(rng, models=models, datasets=datasets, own=0.5)
    accuracies = _levels(rng, datasets) + rng.uniform(0.02, 0.06, datasets) * latent
    floor = rng.uniform(0.5, 0.8, datasets) * accuracies.min(axis=0)
    share = rng.random(latent.shape) * (rng.random(latent.shape) < 0.1)
    accuracies -= share * (accuracies - floor)
    chance = np.clip(rng.beta(0.6, 0.6, models), 1e-6, 1 - 1e-6)
    logits = logit(chance)[:, None] + rng.normal(0.5, 1.0, datasets)
    return _named(name, np.where(rng.random(latent.shape) < expit(logits), floor, accuracies))


def crowded(name: str, *, seed: int, models: int, datasets: int) -> Table:
    """Accuracies that crowd at the top: one minus a log-normal error, with a fact of size."""
    rng = np.random.default_rng(seed)
    latent = _low_rank(rng, models=models, datasets=datasets, own=0.5)
    errors = np.exp(rng.uniform(-3.0, -1.2, datasets) - rng.uniform(0.3, 0.7, datasets) * latent)
    size = np.exp(latent.mean(axis=1) + rng.normal(size=models))
    return _named(name, 1.0 - np.minimum(errors, 0.95), params_million=size)


def strong_fact(name: str, *, seed: int, models: int, datasets: int) -> Table:
    """The upstream accuracy explains more than the mean over the other datasets does."""
    rng = np.random.default_rng(seed)
    fact = rng.normal(size=models)
    own = rng.normal(size=(models, datasets))
    kinds = rng.normal(size=(models, 4)) @ rng.normal(size=(4, datasets))
    latent = 0.9 * fact[:, None] + 0.7 * kinds / 2 + 0.8 * own
    accuracies = _levels(rng, datasets) + 0.04 * latent
    is_known = rng.random(latent.shape) < 0.35
    accuracies = np.where(is_known, accuracies, np.nan)
    return _named(name, accuracies, upstream_accuracy=0.7 + 0.05 * fact)


def groups(name: str, *, seed: int, models: int, datasets: int) -> Table:
    """Families of models that are good at families of datasets; names show the families."""
    rng = np.random.default_rng(seed)
    families, kinds = rng.integers(8, size=models), rng.integers(4, size=datasets)
    latent = rng.normal(size=(8, 4))[families][:, kinds]
    latent += 0.5 * rng.normal(size=models)[:, None] + 0.4 * rng.normal(size=latent.shape)
    table = _named(name, ndtr(_levels(rng, datasets) + 0.3 * latent))
    names = (f"{'abcdefgh'[family] * 4}-{row}" for row, family in enumerate(families))
    return replace(table, models=tuple(names))


def heavy_tails(name: str, *, seed: int, models: int, datasets: int) -> Table:
    """Student-t deviations, and a third of the cells unknown."""
    rng = np.random.default_rng(seed)
    latent = _low_rank(rng, models=models, datasets=datasets, own=0.2)
    latent += 0.4 * rng.standard_t(2, size=latent.shape)
    accuracies = _levels(rng, datasets) + 0.03 * latent
    return _named(name, np.where(rng.random(latent.shape) < 1 / 3, np.nan, accuracies))


def _failed_development() -> Iterator[Table]:
    yield failed_runs("failed_runs_a", seed=0, models=60, datasets=8, shift=0.0)
    yield failed_runs("failed_runs_b", seed=1, models=40, datasets=8, shift=1.0)


def _failed_held_back() -> Iterator[Table]:
    yield failed_runs("failed_runs_c", seed=10, models=100, datasets=10, shift=0.0)
    yield failed_runs("failed_runs_d", seed=11, models=60, datasets=8, shift=1.2)


def _real(data: Path) -> list[Table]:
    return [read_table(path.parent) for path in sorted(data.glob("*/accuracy.csv"))]


def _low_rank(rng: np.random.Generator, *, models: int, datasets: int, own: float) -> Cells:
    """An ability, three kinds of tasks, and each cell's own deviation."""
    kinds = rng.normal(size=(models, 3)) @ rng.normal(size=(3, datasets)) / 2
    ability = rng.normal(size=models)[:, None]
    return np.asarray(ability + 0.8 * kinds + own * rng.normal(size=(models, datasets)))


def _levels(rng: np.random.Generator, datasets: int) -> Float64[ndarray, " dataset"]:
    return rng.uniform(0.4, 0.8, datasets)


def _named(name: str, accuracies: Cells, **facts: Float64[ndarray, " model"]) -> Table:
    rows: Int64[ndarray, " model"] = np.arange(len(accuracies))
    models = tuple(f"model {row:03}" for row in rows)
    targets = tuple(f"dataset {column}" for column in range(accuracies.shape[1]))
    return Table(name, models, targets, accuracies, {}, facts)
