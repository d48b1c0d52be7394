"""Steps of the training do what their slow twins do."""

import pytest
import torch
from torch.nn import functional

from tests.methods.oracles import reference_network as oracle
from workers.torchkit.training.steps import (
    accuracy,
    color_statistics,
    drawn_frames,
    held_out,
    held_out_classes,
    shifted,
)


def test_a_fifth_of_every_label_is_held_out_and_no_label_is_lost_to_training() -> None:
    labels = torch.tensor([0] * 10 + [1] * 5 + [2] * 2 + [4])

    chosen = held_out(labels, share=0.2, generator=torch.Generator().manual_seed(0))

    assert labels[chosen].bincount(minlength=5).tolist() == [2, 1, 1, 0, 0]


def test_whole_labels_are_held_out_at_least_two_and_unlabeled_images_stay() -> None:
    labels = torch.tensor([-1, 0, 0, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10])

    few = held_out_classes(labels, share=0.01, generator=torch.Generator().manual_seed(0))
    third = held_out_classes(labels, share=0.3, generator=torch.Generator().manual_seed(0))

    for chosen, count in ((few, 2), (third, 3)):
        novel = set(labels[chosen].tolist())
        assert len(novel) == count
        assert not novel & set(labels[~chosen].tolist())
        assert not bool(chosen[0])


def test_colors_are_measured_in_the_unit_range() -> None:
    images = torch.zeros(2, 4, 4, 3, dtype=torch.uint8)
    images[0, ..., 0] = 255

    mean, std = color_statistics(images)

    assert mean == pytest.approx((0.5, 0.0, 0.0))
    assert std[0] == pytest.approx(0.5, abs=0.01)
    assert std[1:] == (0.001, 0.001)


def test_a_shift_moves_all_images_alike_by_no_more_than_a_sixteenth() -> None:
    ramp = torch.arange(32.0).expand(2, 1, 32, 32)

    moved = shifted(ramp, generator=torch.Generator().manual_seed(3))

    inner = (moved - ramp)[..., 4:-4]
    assert moved.shape == ramp.shape
    assert inner.unique().numel() == 1
    assert inner.abs().max() <= 2


@pytest.mark.parametrize("side", [2, 12, 33])
def test_drawn_frames_mirror_their_borders(side: int) -> None:
    generator = torch.Generator().manual_seed(side)
    images = torch.randint(0, 256, (6, side, side, 3), generator=generator, dtype=torch.uint8)

    for seed in range(9):
        frames, indices = drawn_frames(images, 4, generator=torch.Generator().manual_seed(seed))

        draws = torch.Generator().manual_seed(seed)
        assert indices.equal(torch.randperm(6, generator=draws)[:4])
        margin = max(1, side // 16)
        planes = images[indices].permute(0, 3, 1, 2).float()
        padded = functional.pad(planes, (margin,) * 4, mode="reflect")
        down, right = torch.randint(2 * margin + 1, (2,), generator=draws).tolist()
        expected = padded[..., down : down + side, right : right + side]
        assert frames.equal(expected.permute(0, 2, 3, 1).to(torch.uint8))


def test_accuracy_counts_what_the_twin_counts() -> None:
    logits, labels = torch.tensor([[1.0, 2.0], [3.0, 1.0], [0.0, 5.0]]), torch.tensor([1, 1, 1])

    assert float(accuracy(logits, labels)) == pytest.approx(
        oracle.accuracy(logits.tolist(), labels.tolist())
    )
