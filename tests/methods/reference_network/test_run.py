"""A labeled set becomes a network that knows it, the same one every time."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from service.core.catalog.reference_network import ReferenceNetworkParams
from service.core.manifest import ModelFormat, TaskKind
from workers.methods import reference_network
from workers.methods.reference_network import ReferenceNetworkData, ReferenceNetworkResult
from workers.methods.reference_network.run import NotLearnableError
from workers.torchkit.protocols import silent

PARAMS = ReferenceNetworkParams(width=4, steps=40, batch_size=16, learning_rate=1e-2)


def stripes(count: int = 60, side: int = 12) -> tuple[Tensor, Tensor]:
    """Noisy images striped along or across: the label is the direction."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    wave = (torch.arange(side) % 4 < 2).float() * 120
    along = wave.expand(side, side)
    images = torch.stack([along if label else along.T for label in labels])
    noise = torch.rand(count, side, side, generator=generator) * 100
    frames = (images + noise).to(torch.uint8).unsqueeze(-1).expand(-1, -1, -1, 3)
    return frames.contiguous(), labels


def result_of(
    labels: Tensor | None = None, params: ReferenceNetworkParams = PARAMS
) -> ReferenceNetworkResult:
    images, truth = stripes()
    image_labels = truth if labels is None else labels
    return reference_network.run(
        ReferenceNetworkData("stripes", images, image_labels, ("a", "b")), params, silent
    )


def test_what_was_shown_is_learned_and_measured_on_what_was_not() -> None:
    result = result_of()

    assert result.accuracy > 0.9
    assert result.chance == pytest.approx(0.5)
    assert (result.trained_on, result.held_out) == (48, 12)
    assert result.last_loss < 0.5


def test_the_manifest_declares_what_the_network_expects() -> None:
    result = result_of()

    spec = result.manifest.input
    assert (result.manifest.name, result.manifest.format) == ("stripes", ModelFormat.PT2)
    assert result.manifest.task.kind is TaskKind.CLASSIFICATION
    assert result.manifest.classes == ("a", "b")
    assert (spec.channels, spec.height, spec.width) == (3, 12, 12)
    assert result.network(torch.zeros(2, 3, 12, 12)).shape == (2, 2)
    assert not result.network.training


def test_the_same_seed_gives_the_same_network_and_another_another() -> None:
    short = ReferenceNetworkParams(width=4, steps=5, batch_size=8)
    first, again = result_of(params=short), result_of(params=short)
    other = result_of(params=ReferenceNetworkParams(width=4, steps=5, batch_size=8, seed=1))

    assert_close(
        dict(first.network.state_dict()), dict(again.network.state_dict()), rtol=0, atol=0
    )
    assert not torch.equal(first.network.head.weight, other.network.head.weight)


def test_the_random_state_of_others_is_not_seeded() -> None:
    torch.manual_seed(1)
    result_of(params=ReferenceNetworkParams(width=4, steps=1, batch_size=8))
    first = torch.rand(1)
    torch.manual_seed(2)
    result_of(params=ReferenceNetworkParams(width=4, steps=1, batch_size=8))

    assert not torch.equal(first, torch.rand(1))


def test_images_without_a_label_are_left_out() -> None:
    _, labels = stripes()
    labels[:20] = -1

    result = result_of(labels)

    assert result.trained_on + result.held_out == 40


def test_large_frames_are_shrunk_to_64_pixels() -> None:
    images, labels = stripes(count=8, side=100)
    params = ReferenceNetworkParams(width=4, steps=1, batch_size=4)

    result = reference_network.run(
        ReferenceNetworkData("large", images, labels, ("a", "b")), params, silent
    )

    assert result.manifest.input.height == 64


@pytest.mark.parametrize(
    "labels",
    [torch.full((60,), -1), torch.zeros(60, dtype=torch.int64)],
    ids=["no labels", "one class"],
)
def test_a_set_with_nothing_to_tell_apart_is_refused(labels: Tensor) -> None:
    with pytest.raises(NotLearnableError):
        result_of(labels)
