"""From losses to affinities: who wins on how many images, and what that is worth.

Source: Zamir et al., Taskonomy, CVPR 2018, section 3.3: ordinal normalization by the analytic
hierarchy process (Saaty 1987).

Axes: ``target``, ``source``, ``seed`` of a decoder, ``image`` held out, ``replicate`` one redrawn
set of images.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from scipy.stats import spearmanr

CLIP = 0.001
_ROUNDS = 200


@dataclass(frozen=True)
class TransferTruth:
    """How well every source serves every target.

    Attributes:
        affinity: Sums to 1 for every target; higher is better.
        wins: Mean share of images and rivals that a source beats.
        low: Ends of the 95 % interval of the affinity over redrawn images and seeds.
        between_seeds: Spearman's correlation of affinities of two seeds, mean over pairs, for
            every target: what a perfect measure could reach against one seed.
        top_kept: Mean share of the five best that redrawn images and seeds keep.
    """

    affinity: Float64[np.ndarray, "target source"]
    wins: Float64[np.ndarray, "target source"]
    low: Float64[np.ndarray, "target source"]
    high: Float64[np.ndarray, "target source"]
    between_seeds: Float64[np.ndarray, " target"]
    top_kept: float


def beaten(
    losses: Float[np.ndarray, "source image"],
) -> Float64[np.ndarray, "source source image"]:
    """1 where the row's source has the smaller loss on the image, ½ where losses are equal."""
    rows, columns = losses[:, None], losses[None, :]
    won: Float64[np.ndarray, "source source image"] = (rows < columns) + 0.5 * (rows == columns)
    return won


def win_rates(won: Float64[np.ndarray, "source source image"]) -> Float64[np.ndarray, "s s"]:
    """W_ij: share of images on which source i beats source j; ½ on the diagonal."""
    rates: Float64[np.ndarray, "s s"] = won.mean(axis=2)
    return rates


def mean_win_rate(rates: Float64[np.ndarray, "s s"]) -> Float64[np.ndarray, " s"]:
    """Mean over the rivals of every source."""
    count = len(rates)
    mean: Float64[np.ndarray, " s"] = (rates.sum(axis=1) - rates.diagonal()) / (count - 1)
    return mean


def ordinal_affinity(rates: Float64[np.ndarray, "s s"]) -> Float64[np.ndarray, " s"]:
    """Principal eigenvector, summing to 1, of the ratios W_ij / W_ji, W kept within [0.001, 0.999].

    Source: Taskonomy, section 3.3.
    """
    clipped = rates.clip(CLIP, 1 - CLIP)
    ratios = clipped / clipped.T
    vector = np.ones(len(rates)) / len(rates)
    for _ in range(_ROUNDS):
        vector = ratios @ vector
        vector /= vector.sum()
    return vector


def truth_of(
    losses: Float[np.ndarray, "target source seed image"], *, replicates: int
) -> TransferTruth:
    """Affinities of every target, their intervals, and how far seeds agree."""
    rows = [
        _one_target(target_losses, replicates=replicates, number=i)
        for i, target_losses in enumerate(losses)
    ]
    affinity, wins, low, high = (np.stack([row[part] for row in rows]) for part in range(4))
    return TransferTruth(
        affinity,
        wins,
        low,
        high,
        between_seeds=np.array([_agreement(target_losses) for target_losses in losses]),
        top_kept=float(np.mean([row[4] for row in rows])),
    )


def _one_target(
    losses: Float[np.ndarray, "source seed image"], *, replicates: int, number: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    won = beaten(losses.reshape(len(losses), -1))
    rates = win_rates(won)
    affinity = ordinal_affinity(rates)
    redrawn = _redrawn(won, losses.shape[1:], replicates=replicates, number=number)
    low, high = np.quantile(redrawn, [0.025, 0.975], axis=0)
    best = set(np.argsort(-affinity)[:5].tolist())
    overlaps = [len(best & set(np.argsort(-drawn)[:5].tolist())) / 5 for drawn in redrawn]
    return affinity, mean_win_rate(rates), low, high, float(np.mean(overlaps))


def _redrawn(
    won: Float64[np.ndarray, "source source image"],
    shape: tuple[int, ...],
    *,
    replicates: int,
    number: int,
) -> Float64[np.ndarray, "replicate source"]:
    """Affinities where images and seeds are drawn with repetition, both at once."""
    rng = np.random.default_rng(number)
    seeds, images = shape
    flat = won.reshape(-1, won.shape[2])
    affinities = []
    for _ in range(replicates):
        weight = np.outer(
            rng.multinomial(seeds, np.full(seeds, 1 / seeds)),
            rng.multinomial(images, np.full(images, 1 / images)),
        ).ravel()
        rates = (flat @ weight / weight.sum()).reshape(won.shape[:2])
        affinities.append(ordinal_affinity(rates))
    return np.stack(affinities)


def _agreement(losses: Float[np.ndarray, "source seed image"]) -> float:
    """Mean over pairs of seeds of the correlation of their affinities."""
    each = [ordinal_affinity(win_rates(beaten(losses[:, k]))) for k in range(losses.shape[1])]
    pairs = [(i, j) for i in range(len(each)) for j in range(i)]
    return float(np.mean([spearmanr(each[i], each[j]).statistic for i, j in pairs]))
