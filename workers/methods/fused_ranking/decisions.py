"""What follows from draws of all candidates together: who is best, and what a choice may lose."""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray


def best_shares(draws: Float64[ndarray, "draw model"]) -> Float64[ndarray, " model"]:
    """P(best): share of draws in which each model is the highest; ties are shared."""
    top = draws == draws.max(axis=1, keepdims=True)
    return np.asarray((top / top.sum(axis=1, keepdims=True)).mean(axis=0))


def expected_regrets(draws: Float64[ndarray, "draw model"]) -> Float64[ndarray, " model"]:
    """E[max − own]: what choosing each model loses on average against the best of its draw."""
    return np.asarray(draws.max(axis=1).mean() - draws.mean(axis=0))


def smallest_set(
    p_best: Float64[ndarray, " model"], *, coverage: float
) -> Int64[ndarray, " kept"]:
    """Fewest models whose P(best) add up to the coverage, the likeliest first."""
    order = np.argsort(-p_best, kind="stable")
    enough = np.cumsum(p_best[order]) >= coverage - 1e-12
    return order[: int(np.argmax(enough)) + 1] if enough.any() else order
