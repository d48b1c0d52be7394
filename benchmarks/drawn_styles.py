"""Pictures that stand for styles: patterns of several families in random palettes."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

Pattern = Callable[[Tensor, Tensor, torch.Generator], Tensor]


def _uniform(generator: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(1, generator=generator))


def _turned(rows: Tensor, columns: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The axes turned by a random angle."""
    angle = _uniform(generator, 0, math.pi)
    cosine, sine = math.cos(angle), math.sin(angle)
    return rows * cosine + columns * sine, columns * cosine - rows * sine


def _stripes(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    across, _ = _turned(rows, columns, generator)
    return (across / _uniform(generator, 2, 6)).sin()


def _checks(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    across, along = _turned(rows, columns, generator)
    size = _uniform(generator, 3, 8)
    return ((across / size).sin() * (along / size).sin()).sign()


def _dots(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    across, along = _turned(rows, columns, generator)
    size = _uniform(generator, 3, 7)
    return ((across / size).sin() + (along / size).sin() > 1).float() * 2 - 1


def _waves(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    across, along = _turned(rows, columns, generator)
    bend = (along / _uniform(generator, 8, 20)).sin() * _uniform(generator, 3, 10)
    return ((across + bend) / _uniform(generator, 2, 6)).sin()


def _noise(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    del columns
    return _smooth(rows.shape[0], round(_uniform(generator, 2, 9)), generator)


def _brush(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    """Noise that is stretched along one axis."""
    del columns
    side, width = rows.shape[0], round(_uniform(generator, 2, 5))
    coarse = torch.randn(1, 1, side // width + 2, side // (6 * width) + 2, generator=generator)
    field = functional.interpolate(coarse, size=(side, side), mode="bicubic")[0, 0]
    return field if float(torch.rand(1, generator=generator)) < 0.5 else field.T.contiguous()


def _hatch(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    first, second = (_stripes(rows, columns, generator) for _ in range(2))
    return torch.maximum(first, second)


def _cells(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    """Voronoi cells, each of one value, with dark borders."""
    side, count = rows.shape[0], 40
    centers = torch.rand(count, 2, generator=generator) * side
    positions = torch.stack([rows.flatten(), columns.flatten()], dim=1)
    nearest = torch.cdist(positions, centers).topk(2, largest=False)
    values = torch.rand(count, generator=generator) * 2 - 1
    border = nearest.values[:, 1] - nearest.values[:, 0] < 2
    return torch.where(border, -1.5, values[nearest.indices[:, 0]]).view(side, side)


def _weave(rows: Tensor, columns: Tensor, generator: torch.Generator) -> Tensor:
    size = _uniform(generator, 4, 9)
    over = ((rows / size).floor() + (columns / size).floor()) % 2 == 0
    return torch.where(over, (rows / size * math.pi).sin(), (columns / size * math.pi).sin())


def _smooth(side: int, size: int, generator: torch.Generator) -> Tensor:
    coarse = torch.randn(1, 1, side // size + 2, side // size + 2, generator=generator)
    return functional.interpolate(coarse, size=(side, side), mode="bicubic")[0, 0]


FAMILIES: Sequence[Pattern] = (_stripes, _checks, _dots, _waves, _noise, _brush, _hatch)
HELD_OUT: Sequence[Pattern] = (_cells, _weave)


def drawn_styles(families: Sequence[Pattern], count: int, *, side: int, seed: int) -> Tensor:
    """So many frames (image, side, side, 3), the families in turn, each between two or three colors."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.arange(side, dtype=torch.float32)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    frames = []
    for index in range(count):
        pattern = families[index % len(families)](rows, columns, generator)
        shade = _smooth(side, side // 3, generator).sigmoid()
        share = ((pattern + 1) / 2).clamp(0, 1)[..., None]
        palette = torch.rand(3, 3, generator=generator)
        colors = palette[0] + share * (palette[1] - palette[0])
        colors = colors + 0.4 * shade[..., None] * (palette[2] - colors)
        grain = 0.03 * torch.randn(side, side, 1, generator=generator)
        frames.append(((colors + grain).clamp(0, 1) * 255).round().to(torch.uint8))
    return torch.stack(frames)
