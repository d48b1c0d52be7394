"""Every loss equals its slow twin, and gives the golden numbers of its specification."""

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor

from workers.methods.lip_by_speech.maths import (
    attention_alignment,
    clip_mean,
    common_pairs,
    context_distance,
    frame_distance,
    learned_alignment,
    mean_variance,
    near_diagonal,
    pair_tensors,
    sequence_distance,
    soft_weight,
)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "pairs"),
    [
        ("我喜欢水饺", "我喜欢睡觉", [(0, 0), (1, 1), (2, 2)]),
        ("今天买书", "今天卖书树", [(0, 0), (1, 1), (3, 3)]),
        ("ABCBDAB", "BDCABA", [(1, 0), (4, 1), (5, 3), (6, 4)]),
        ("看", "砍", []),
        ("一一二", "一二", [(0, 0), (2, 1)]),
        ("", "一", []),
    ],
)
def test_common_pairs_are_those_of_the_specification(
    reference: str, hypothesis: str, pairs: list[tuple[int, int]]
) -> None:
    assert common_pairs(reference, hypothesis) == pairs


def longest_common(left: str, right: str) -> int:
    if not left or not right:
        return 0
    if left[0] == right[0]:
        return 1 + longest_common(left[1:], right[1:])
    return max(longest_common(left[1:], right), longest_common(left, right[1:]))


@pytest.mark.parametrize("seed", range(12))
def test_common_pairs_are_as_many_as_the_slow_twin_counts(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    left, right = (
        "".join("abc"[index] for index in torch.randint(3, (size,), generator=generator))
        for size in (7, 6)
    )

    pairs = common_pairs(left, right)

    assert len(pairs) == longest_common(left, right)
    assert all(left[i] == right[j] for i, j in pairs)
    assert pairs == sorted(pairs)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)


def test_the_frame_level_gives_the_golden_numbers() -> None:
    audio = torch.tensor([[[1.0, 0], [0, 1]]])
    video = torch.tensor([[[1.0, 0], [0, 2], [1, 1]]])
    mask = torch.ones(1, 3, dtype=torch.bool)

    alignment = learned_alignment(audio, video, mask)
    aligned = alignment @ video
    loss = frame_distance(audio, aligned, torch.ones(1, 2, dtype=torch.bool))

    close = {"rtol": 0, "atol": 5e-5}
    expected = torch.tensor([[[0.4223, 0.1554, 0.4223], [0.0900, 0.6652, 0.2447]]])
    torch.testing.assert_close(alignment, expected, **close)
    torch.testing.assert_close(
        aligned, torch.tensor([[[0.8446, 0.7330], [0.3348, 1.5752]]]), **close
    )
    torch.testing.assert_close(loss, torch.tensor([0.5022]), **close)


def test_padded_frames_of_either_side_do_not_change_the_frame_level() -> None:
    audio, video = draw(1, 4, 3), draw(1, 6, 3, seed=1)
    masks = [torch.ones(1, size, dtype=torch.bool) for size in (4, 6)]
    longer = [torch.cat([values, draw(1, 2, 3, seed=2)], dim=1) for values in (audio, video)]
    longer_masks = [torch.cat([mask, torch.zeros(1, 2, dtype=torch.bool)], 1) for mask in masks]

    alone = frame_distance(audio, learned_alignment(audio, video, masks[1]) @ video, masks[0])
    padded = frame_distance(
        longer[0],
        learned_alignment(longer[0], longer[1], longer_masks[1]) @ longer[1],
        longer_masks[0],
    )

    torch.testing.assert_close(alone, padded)


def test_each_distance_equals_its_slow_twin() -> None:
    teacher, student = draw(2, 3, 4), draw(2, 3, 4, seed=1)
    mask = torch.tensor([[True, True, False], [False, False, False]])

    context = context_distance(teacher, student, mask)
    sequence = sequence_distance(teacher[:, 0], student[:, 0])

    rows = [
        [sum((t - s) ** 2 for t, s in zip(*pair, strict=True)) for pair in zip(*clip, strict=True)]
        for clip in zip(teacher.tolist(), student.tolist(), strict=True)
    ]
    expected = torch.tensor([(rows[0][0] + rows[0][1]) / 2, 0.0], dtype=torch.double)
    torch.testing.assert_close(context, expected)
    torch.testing.assert_close(sequence, torch.tensor([row[0] for row in rows]).double())


def test_the_alignment_by_attention_equals_its_slow_twin() -> None:
    teacher, student = draw(1, 2, 3).softmax(2), draw(1, 2, 4, seed=1).softmax(2)
    mask = torch.tensor([[True, True, True, False]])

    alignment = attention_alignment(teacher, student, mask)[0]

    for i in range(3):
        scores = [sum(teacher[0, m, i] * student[0, m, j] for m in range(2)) for j in range(3)]
        expected = torch.stack([torch.as_tensor(score) for score in scores]).softmax(0)
        torch.testing.assert_close(alignment[i, :3], expected)
    assert alignment[:, 3].eq(0).all()


def test_frames_of_swapped_modalities_are_refused() -> None:
    audio, video = draw(1, 4, 3), draw(1, 6, 3, seed=1)
    mask = torch.ones(1, 6, dtype=torch.bool)

    with pytest.raises(TypeCheckError):
        learned_alignment(video, audio, mask)


def test_clips_without_weight_are_left_out_of_the_mean() -> None:
    distances = torch.tensor([4.0, 2.0, 100.0])

    assert float(clip_mean(distances, torch.tensor([1.0, 0.5, 0.0]))) == 2.5
    assert float(clip_mean(distances, torch.zeros(3))) == 0


def test_soft_weights_fall_with_the_error_rate() -> None:
    assert soft_weight(0.0, 1.0) == 1
    assert soft_weight(1.0, 1.0) == pytest.approx(0.36788, abs=1e-5)


def test_the_scale_is_the_variance_averaged_over_units() -> None:
    values = torch.tensor([[0.0, 1.0], [2.0, 1.0]])

    assert mean_variance(values) == 0.5


def test_no_pairs_at_all_are_one_masked_column() -> None:
    reference, hypothesis, mask = pair_tensors([[], []])

    assert reference.shape == hypothesis.shape == mask.shape == (2, 1)
    assert not mask.any()


def test_near_diagonal_is_the_mass_at_equal_times() -> None:
    times = torch.tensor([0.0, 1.0])

    assert near_diagonal(torch.eye(2), times, times) == 1
    assert near_diagonal(torch.full((2, 2), 0.5), times, times) == 0.5
