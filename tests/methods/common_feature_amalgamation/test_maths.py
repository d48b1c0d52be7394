"""Every part of the amalgamation's loss is what its plain twin says."""

import pytest
import torch
from torch import Tensor

from tests.methods.oracles import common_feature_amalgamation as oracle
from workers.methods.common_feature_amalgamation import maths

BANDWIDTHS = list(maths.PUBLISHED_BANDWIDTHS)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sets(*, shift: float = 0.0) -> tuple[Tensor, Tensor]:
    return maths.unit_vectors(drawn(9, 6)), maths.unit_vectors(drawn(9, 6, seed=1) + shift)


def test_vectors_have_length_one_and_point_where_the_maps_did() -> None:
    maps = drawn(3, 2, 2, 2)

    vectors = maths.unit_vectors(maps)

    expected = [oracle.unit_vector(image) for image in maps.flatten(1).tolist()]
    torch.testing.assert_close(vectors, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_the_discrepancy_is_what_loops_over_all_pairs_find(kind: torch.dtype) -> None:
    left, right = sets()

    distance = maths.discrepancy(left.to(kind), right.to(kind), bandwidths=BANDWIDTHS)

    assert float(distance) == pytest.approx(
        oracle.discrepancy(left.tolist(), right.tolist(), BANDWIDTHS), abs=1e-5
    )


def test_the_discrepancy_is_a_symmetric_distance_that_grows_with_a_shift() -> None:
    left, right = sets()

    def distance(first: Tensor, second: Tensor) -> float:
        return float(maths.discrepancy(first, second, bandwidths=BANDWIDTHS))

    assert distance(left, left) == 0
    assert distance(left, right) == pytest.approx(distance(right, left))
    shifts = [distance(*sets(shift=shift)) for shift in (0.0, 1.0, 4.0)]
    assert shifts[0] < shifts[1] < shifts[2]


def test_relative_bandwidths_are_multiples_of_the_mean_distance() -> None:
    left, right = sets()

    bandwidths = maths.relative_bandwidths(left, right)

    assert bandwidths == pytest.approx(oracle.relative_bandwidths(left.tolist(), right.tolist()))


def test_reconstruction_pulls_the_way_back_and_not_the_teacher() -> None:
    rebuilt, own = drawn(2, 3, 2, 2).requires_grad_(), drawn(2, 3, 2, 2, seed=1).requires_grad_()

    loss = maths.reconstruction_loss(rebuilt, own)
    loss.backward()

    expected = oracle.mean_square(rebuilt.flatten().tolist(), own.flatten().tolist())
    assert float(loss.detach()) == pytest.approx(expected)
    assert own.grad is None
    assert rebuilt.grad is not None


def test_channel_scales_are_deviations_over_images_and_places() -> None:
    maps = drawn(4, 3, 2, 2) * torch.tensor([1.0, 5.0, 0.0])[:, None, None]

    scales = maths.channel_scales(maps)

    expected = [oracle.channel_scale(maps[:, channel].flatten().tolist()) for channel in range(2)]
    assert scales[:2].tolist() == pytest.approx(expected)


def test_a_channel_that_hardly_fires_counts_as_a_hundredth_of_the_mean_channel() -> None:
    maps = drawn(4, 3, 2, 2) * torch.tensor([1.0, 5.0, 0.0])[:, None, None]

    scales = maths.channel_scales(maps)

    assert float(scales[2]) == pytest.approx(0.01 * float(scales[:2].sum()) / 3)
    assert maths.channel_scales(torch.zeros(2, 3, 2, 2)).tolist() == pytest.approx([1e-6] * 3)


def test_mixed_precision_does_not_blur_near_features() -> None:
    left = maths.unit_vectors(drawn(6, 40)).float()
    right = maths.unit_vectors(left + 0.01 * drawn(6, 40, seed=1)).float()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        distance = maths.discrepancy(left, right, bandwidths=maths.PUBLISHED_BANDWIDTHS)

    expected = maths.discrepancy(left, right, bandwidths=maths.PUBLISHED_BANDWIDTHS)
    torch.testing.assert_close(distance, expected)


def test_logits_are_compared_as_the_plain_twin_does() -> None:
    student_logits, teacher_logits = drawn(5, 4), drawn(5, 4, seed=1)

    flat = student_logits.flatten().tolist(), teacher_logits.flatten().tolist()
    assert float(maths.logits_loss(student_logits, teacher_logits)) == pytest.approx(
        oracle.mean_square(*flat)
    )


def test_tokens_become_maps_with_or_without_one_in_front() -> None:
    tokens = drawn(2, 9, 5)
    with_first = torch.cat([drawn(2, 1, 5, seed=1), tokens], dim=1)

    maps = maths.as_grid(tokens)

    assert maps.shape == (2, 5, 3, 3)
    torch.testing.assert_close(maps[:, :, 1, 2], tokens[:, 5])
    torch.testing.assert_close(maths.as_grid(with_first), maps)
    with pytest.raises(ValueError, match="no rows and columns"):
        maths.as_grid(drawn(2, 8, 5)[:, :7])
