"""Pairs of common characters, soft alignment, and the three feature losses.

Every loss is one value per clip: squared distances summed over units and averaged over the clip's real
frames or pairs.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

Pairs = list[tuple[int, int]]


def common_pairs(reference: Sequence[object], hypothesis: Sequence[object]) -> Pairs:
    """Index pairs of a longest common subsequence, in order.

    An equal pair is taken at once; otherwise the side advances that leaves the longer common
    rest, the reference where both leave the same.
    """
    rows, columns = len(reference), len(hypothesis)
    rest = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            rest[i][j] = (
                rest[i + 1][j + 1] + 1
                if reference[i] == hypothesis[j]
                else max(rest[i + 1][j], rest[i][j + 1])
            )
    pairs: Pairs = []
    i = j = 0
    while i < rows and j < columns:
        if reference[i] == hypothesis[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif rest[i + 1][j] >= rest[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def soft_weight(error_rate: float, sharpness: float) -> float:
    """exp(−γ · error rate): how much a clip counts whose teacher's text has errors."""
    return math.exp(-sharpness * error_rate)


def sequence_distance(
    teacher: Float[Tensor, "clip teacher_unit"], student: Float[Tensor, "clip teacher_unit"]
) -> Float[Tensor, " clip"]:
    """‖s^a − t1(s^v)‖² of the encoders' end states; ``student`` is mapped already."""
    return (teacher - student).square().sum(1)


def context_distance(
    teacher: Float[Tensor, "clip pair teacher_unit"],
    student: Float[Tensor, "clip pair teacher_unit"],
    mask: Bool[Tensor, "clip pair"],
) -> Float[Tensor, " clip"]:
    """(1/M) Σ_m ‖c^a − t2(c^v)‖² over the pairs of common characters; 0 for a clip without pairs."""
    distances = (teacher - student).square().sum(2) * mask
    return distances.sum(1) / mask.sum(1).clamp_min(1)


def learned_alignment(
    keys: Float[Tensor, "clip audio teacher_unit"],
    video: Float[Tensor, "clip video teacher_unit"],
    mask: Bool[Tensor, "clip video"],
) -> Float[Tensor, "clip audio video"]:
    """β_ij = softmax_j(h^a_i W · t3(h^v_j)); ``keys`` are h^a W. Padded video frames get 0."""
    scores = keys @ video.transpose(1, 2)
    return scores.masked_fill(~mask[:, None], -torch.inf).softmax(2)


def attention_alignment(
    teacher: Float[Tensor, "clip pair audio"],
    student: Float[Tensor, "clip pair video"],
    mask: Bool[Tensor, "clip video"],
) -> Float[Tensor, "clip audio video"]:
    """softmax_j(Σ_m a_mi b_mj) of both readers' attention at common characters; padding gets 0."""
    scores = teacher.transpose(1, 2) @ student
    return scores.masked_fill(~mask[:, None], -torch.inf).softmax(2)


def frame_distance(
    audio: Float[Tensor, "clip audio teacher_unit"],
    aligned: Float[Tensor, "clip audio teacher_unit"],
    mask: Bool[Tensor, "clip audio"],
) -> Float[Tensor, " clip"]:
    """(1/I) Σ_i ‖h^a_i − Σ_j β_ij t3(h^v_j)‖² over the real audio frames; 0 for a clip without."""
    distances = (audio - aligned).square().sum(2) * mask
    return distances.sum(1) / mask.sum(1).clamp_min(1)


def clip_mean(
    distances: Float[Tensor, " clip"], weights: Float[Tensor, " clip"]
) -> Float[Tensor, ""]:
    """Weighted distances averaged over the clips that have a weight; 0 if none has."""
    return (distances * weights).sum() / (weights > 0).sum().clamp_min(1)


def mean_variance(values: Float[Tensor, "row unit"]) -> float:
    """Variance over rows, averaged over units: the scale of a teacher's quantity."""
    return float(values.double().var(0, correction=0).mean())


def near_diagonal(
    alignment: Float[Tensor, "audio video"],
    audio_times: Float[Tensor, " audio"],
    video_times: Float[Tensor, " video"],
    *,
    seconds: float = 0.2,
) -> float:
    """Share of the alignment's mass within ``seconds`` of equal times."""
    near = (audio_times[:, None] - video_times[None]).abs() <= seconds
    return float((alignment * near).sum() / alignment.sum())


def pair_tensors(
    pairs: Sequence[Pairs],
) -> tuple[Int64[Tensor, "clip pair"], Int64[Tensor, "clip pair"], Bool[Tensor, "clip pair"]]:
    """Reference index, hypothesis index and mask of every pair, padded with 0."""
    longest = max(1, *(len(row) for row in pairs)) if pairs else 1
    indices = torch.zeros(2, len(pairs), longest, dtype=torch.long)
    mask = torch.zeros(len(pairs), longest, dtype=torch.bool)
    for number, row in enumerate(pairs):
        if row:
            indices[:, number, : len(row)] = torch.tensor(row).T
            mask[number, : len(row)] = True
    return indices[0], indices[1], mask


def at_pairs(
    values: Float[Tensor, "clip token unit"], index: Int64[Tensor, "clip pair"]
) -> Float[Tensor, "clip pair unit"]:
    """The rows of every clip at its indices."""
    return values.gather(1, index[:, :, None].expand(-1, -1, values.shape[2]))
