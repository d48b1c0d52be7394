"""What a task asks of an image: pure functions from frames (n, 3, side, side) in [0, 1].

Nothing here was labeled by people; where a name suggests more than an equation can give, the
docstring says what it is.
"""

from itertools import permutations

import torch
from torch import Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)
_SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))
ARRANGEMENTS = tuple(permutations(range(4)))
BORDER = 3
_LEVELS = 32


def luma(frames: Tensor) -> Tensor:
    """Gray value (n, 1, side, side). Source: ITU-R BT.601."""
    weights = frames.new_tensor(LUMA).view(1, 3, 1, 1)
    return (frames * weights).sum(dim=1, keepdim=True)


def chroma(frames: Tensor) -> Tensor:
    """Red and blue less gray (n, 2, side, side): 0 where the image has no color."""
    gray = luma(frames)
    return torch.cat([frames[:, :1] - gray, frames[:, 2:] - gray], dim=1)


def slopes(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel derivatives of the gray value to the right and downwards; margins are repeated."""
    across = frames.new_tensor(_SOBEL).view(1, 1, 3, 3) / 8
    padded = functional.pad(luma(frames), (1, 1, 1, 1), mode="replicate")
    down = across.transpose(2, 3)
    return functional.conv2d(padded, across), functional.conv2d(padded, down)


def edges(frames: Tensor) -> Tensor:
    """Sobel magnitude (n, 1, side, side)."""
    right, down = slopes(frames)
    return (right.square() + down.square()).sqrt()


def blurred(frames: Tensor, sigma: float) -> Tensor:
    """Gaussian blur with repeated margins."""
    radius = int(3 * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1, device=frames.device, dtype=frames.dtype)
    weights = torch.exp(-offsets.square() / (2 * sigma**2))
    weights = weights / weights.sum()
    planes = frames.shape[1]
    row = weights.view(1, 1, 1, -1).expand(planes, 1, 1, -1)
    padded = functional.pad(frames, (radius,) * 4, mode="replicate")
    half = functional.conv2d(padded, row, groups=planes)
    return functional.conv2d(half, row.transpose(2, 3), groups=planes)


def structure(frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Entries xx, xy, yy of the structure tensor, smoothed over σ = 1."""
    right, down = slopes(frames)
    products = torch.cat([right.square(), right * down, down.square()], dim=1)
    first, mixed, last = torch.split(blurred(products, 1.0), 1, dim=1)
    return first, mixed, last


def corners(frames: Tensor) -> Tensor:
    """Signed square root of Harris's response det − 0.05 trace² (n, 1, side, side)."""
    first, mixed, last = structure(frames)
    response = first * last - mixed.square() - 0.05 * (first + last).square()
    return response.sign() * response.abs().sqrt()


def orientation(frames: Tensor) -> Tensor:
    """Direction of local structure as a doubled angle, as long as the slope (n, 2, side, side)."""
    first, mixed, last = structure(frames)
    doubled = torch.cat([first - last, 2 * mixed], dim=1)
    return doubled / (first + last).clamp_min(1e-6).sqrt()


def foreground(frames: Tensor) -> Tensor:
    """1 where the color is unlike the image's border, else 0 (n, 1, side, side).

    A stand-in, not an annotation: Mahalanobis distance to the colors of the outer three
    pixels, smoothed, above Otsu's threshold of the image. It fails where the thing touches the
    border or shares its colors.
    """
    unlike = blurred(_unlike_border(frames), 1.0)
    return (unlike > otsu(unlike.flatten(1)).view(-1, 1, 1, 1)).to(frames.dtype)


def _unlike_border(frames: Tensor) -> Tensor:
    ring = torch.ones(frames.shape[-2:], dtype=torch.bool, device=frames.device)
    ring[BORDER:-BORDER, BORDER:-BORDER] = False
    colors = frames[:, :, ring]
    mean = colors.mean(dim=2, keepdim=True)
    centered = colors - mean
    spread = centered @ centered.transpose(1, 2) / colors.shape[2]
    spread = spread + 1e-3 * torch.eye(3, device=frames.device, dtype=frames.dtype)
    away = frames.flatten(2) - mean
    squared: Tensor = (away * torch.linalg.solve(spread, away)).sum(dim=1)
    return squared.sqrt().view(-1, 1, *frames.shape[-2:])


def otsu(values: Tensor) -> Tensor:
    """The threshold of each row that parts its values with the largest variance between parts.

    Source: Otsu 1979, over 31 thresholds evenly spread between the row's extremes.
    """
    low, high = values.amin(dim=1, keepdim=True), values.amax(dim=1, keepdim=True)
    steps = torch.arange(1, _LEVELS, device=values.device) / _LEVELS
    thresholds = low + (high - low) * steps
    above = (values.unsqueeze(1) > thresholds.unsqueeze(2)).to(values.dtype)
    share = above.mean(dim=2)
    total = values.mean(dim=1, keepdim=True)
    upper = (above * values.unsqueeze(1)).mean(dim=2)
    between = (upper - share * total).square() / (share * (1 - share)).clamp_min(1e-9)
    return thresholds.gather(1, between.argmax(dim=1, keepdim=True)).squeeze(1)


def rotated(frames: Tensor, quarters: Tensor) -> Tensor:
    """Every frame turned by its own number of quarter turns, counter-clockwise."""
    turned = torch.stack([torch.rot90(frames, k, (2, 3)) for k in range(4)])
    return turned[quarters, torch.arange(len(frames), device=frames.device)]


def rearranged(frames: Tensor, arrangement: Tensor) -> Tensor:
    """Quarters of every frame in one of 24 orders: place i shows quarter ARRANGEMENTS[a][i]."""
    table = torch.tensor(ARRANGEMENTS, device=frames.device)
    return joined(taken(quartered(frames), table[arrangement]))


def put_back(frames: Tensor, arrangement: Tensor) -> Tensor:
    """The inverse of ``rearranged``."""
    table = torch.tensor(ARRANGEMENTS, device=frames.device).argsort(dim=1)
    return joined(taken(quartered(frames), table[arrangement]))


def quartered(frames: Tensor) -> Tensor:
    """The four quarters (n, 4, 3, half, half): above left, above right, below left, below right."""
    count, planes, side, _ = frames.shape
    half = side // 2
    parts = frames.reshape(count, planes, 2, half, 2, half)
    return parts.permute(0, 2, 4, 1, 3, 5).reshape(count, 4, planes, half, half)


def joined(quarters: Tensor) -> Tensor:
    """The inverse of ``quartered``."""
    count, _, planes, half, _ = quarters.shape
    parts = quarters.reshape(count, 2, 2, planes, half, half).permute(0, 3, 1, 4, 2, 5)
    return parts.reshape(count, planes, 2 * half, 2 * half)


def taken(quarters: Tensor, order: Tensor) -> Tensor:
    """Quarters of every frame in the order of its row of ``order``."""
    return quarters[torch.arange(len(quarters), device=quarters.device).unsqueeze(1), order]


def coarsened(frames: Tensor, factor: int) -> Tensor:
    """Means over squares of ``factor`` pixels, enlarged again without smoothing."""
    small = functional.avg_pool2d(frames, factor)
    return functional.interpolate(small, scale_factor=factor, mode="nearest")


def zoomed(frames: Tensor, level: Tensor, *, levels: int = 4) -> Tensor:
    """The middle of every frame, 1, 3/4, 1/2 or 3/8 of its side, enlarged to full size."""
    shares = torch.tensor([1.0, 0.75, 0.5, 0.375], device=frames.device)[:levels]
    scale = torch.diag_embed(shares[level].unsqueeze(1).expand(-1, 2))
    grid = torch.cat([scale, torch.zeros_like(scale[:, :, :1])], dim=2)
    sample_points = functional.affine_grid(grid, list(frames.shape), align_corners=False)
    return functional.grid_sample(
        frames, sample_points, mode="bilinear", padding_mode="reflection", align_corners=False
    )
