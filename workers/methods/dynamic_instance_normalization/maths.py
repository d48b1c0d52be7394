"""The losses, and a distance of textures that is no loss."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from workers.torchkit.stylization.maths import deviation, map_statistics, normalized

_PATCH, _DIRECTIONS = 5, 32


def content_loss(
    painted: Float[Tensor, "image channel row column"],
    content: Float[Tensor, "image channel row column"],
) -> Float[Tensor, ""]:
    """Mean squared difference of normalized maps: 0 for equal pictures, about 2 for unrelated ones."""
    differences = normalized(painted, map_statistics(painted)) - normalized(
        content, map_statistics(content)
    )
    return differences.square().mean()


def style_loss(painted: Sequence[Tensor], style: Sequence[Tensor]) -> Float[Tensor, ""]:
    """Squared differences of means and deviations, averaged over channels, summed over layers."""
    parts = []
    for own, wanted in zip(painted, style, strict=True):
        ours, theirs = map_statistics(own), map_statistics(wanted)
        means = (ours.mean - theirs.mean).square().mean()
        spreads = (deviation(ours.variance) - deviation(theirs.variance)).square().mean()
        parts.append(means + spreads)
    return torch.stack(parts).sum()


def identity_loss(
    painted: Float[Tensor, "image 3 row column"], content: Float[Tensor, "image 3 row column"]
) -> Float[Tensor, ""]:
    """Mean absolute difference of pixels where the style is the content itself."""
    return (painted - content).abs().mean()


def patch_distance(
    painted: Float[Tensor, "image 3 row column"], style: Float[Tensor, "image 3 row column"]
) -> Float[Tensor, ""]:
    """A hundred times the sliced Wasserstein distance of all 5 x 5 patches of equally large pictures."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(_DIRECTIONS, 3 * _PATCH**2, generator=generator)
    directions = functional.normalize(directions, dim=1).to(painted.device)
    projected = [
        (directions @ functional.unfold(pictures, _PATCH)).sort(dim=-1).values
        for pictures in (painted, style)
    ]
    return 100 * (projected[0] - projected[1]).abs().mean()


def flat_energy(
    pictures: Float[Tensor, "image 3 row column"], flat: Float[Tensor, "image 1 row column"]
) -> Float[Tensor, ""]:
    """Standard deviation of gray minus its local mean, over the positions where ``flat`` is 1."""
    gray = pictures.mean(dim=1, keepdim=True)
    padded = functional.pad(gray, (4,) * 4, mode="reflect")
    detail = gray - functional.avg_pool2d(padded, 9, stride=1)
    share = flat.sum().clamp_min(1)
    mean = (detail * flat).sum() / share
    return (((detail - mean).square() * flat).sum() / share).sqrt()
