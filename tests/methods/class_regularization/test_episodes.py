"""Episodes draw classes and images without repetition, the same from the same seed."""

import pytest
import torch

from workers.methods.class_regularization.comparison import (
    EPISODES,
    ComparedRow,
    compare,
    episode_sizes,
    support_sets,
)
from workers.methods.class_regularization.episodes import EpisodeSize, draw_episodes
from workers.methods.class_regularization.heads import Centroids

LABELS = torch.tensor([0] * 7 + [1] * 9 + [2] * 12 + [3] * 6)
SIZE = EpisodeSize(3, 2, 4)


def drawn(seed: int = 0, count: int = 120):
    generator = torch.Generator().manual_seed(seed)
    return draw_episodes(LABELS, SIZE, count=count, generator=generator)


def test_images_are_of_their_class_and_never_twice_in_an_episode() -> None:
    episodes = drawn()

    images = torch.cat([episodes.support, episodes.queries], dim=2)
    assert torch.equal(LABELS[images], episodes.classes.unsqueeze(-1).expand_as(images))
    for classes, episode in zip(episodes.classes, images, strict=True):
        assert len(set(classes.tolist())) == 3
        assert len(set(episode.flatten().tolist())) == episode.numel()


def test_the_same_seed_draws_the_same_episodes() -> None:
    first, second, other = drawn(), drawn(), drawn(seed=1)

    assert torch.equal(first.support, second.support)
    assert torch.equal(first.queries, second.queries)
    assert not torch.equal(first.support, other.support)


def test_every_image_is_drawn() -> None:
    episodes = drawn(count=400)

    images = torch.cat([episodes.support, episodes.queries], dim=2).unique()
    assert torch.equal(images, torch.arange(len(LABELS)))


def test_the_truth_is_the_position_of_the_class() -> None:
    assert drawn().truth.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_support_sets_are_in_the_order_of_the_labels() -> None:
    sets = support_sets(LABELS, 5, torch.Generator().manual_seed(0))

    assert sets.shape == (20, 4, 5)
    assert torch.equal(LABELS[sets], torch.arange(4)[None, :, None].expand(20, 4, 5))


@pytest.mark.parametrize(
    ("classes", "images", "names"),
    [
        (1, 20, []),
        (3, 20, ["3w1s", "3w5s"]),
        (3, 5, ["3w1s"]),
        (25, 30, ["5w1s", "5w5s", "20w1s", "20w5s"]),
    ],
)
def test_sizes_are_those_that_the_classes_allow(
    classes: int, images: int, names: list[str]
) -> None:
    sizes = episode_sizes(torch.arange(classes).repeat_interleave(images))

    assert [size.name for size in sizes] == names
    assert all(size.queries >= 1 and size.images_per_class <= images for size in sizes)


def test_rows_are_compared_on_the_same_episodes() -> None:
    features = torch.randn(len(LABELS), 3, generator=torch.Generator().manual_seed(0))
    rows = [ComparedRow(name, features, Centroids()) for name in ("none", "same")]

    comparison = compare(rows, LABELS, generator=torch.Generator().manual_seed(0))

    for result in comparison.results:
        assert len(result.episodes.classes) == EPISODES >= 600
        difference = result.differences()["none", "same"]
        assert (difference.mean, difference.half_width) == (0, 0)
    assert comparison.shifts["none"] == comparison.shifts["same"]
