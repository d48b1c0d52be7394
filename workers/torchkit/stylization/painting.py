"""Painting pictures of any size in bounded memory: tiles that share the statistics of the whole."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from service.core.errors import MethodError
from service.core.manifest import StylizerHead
from workers.programs import Program
from workers.torchkit.stylization.maths import MapStatistics
from workers.torchkit.stylization.networks import SHRINKAGE, Conditions, ContentPath

STYLE = "style"
"""The layer of a stylizer that turns a picture into the parameters of its style."""
STYLE_SIDE = 256
_PREFIX = "content."
_TILE = 512
_RECEPTIVE, _PER_REACH = 22, 6
_LAYERS = 2


class UnfitStylizerError(MethodError):
    """The network is not built as its manifest says."""

    code = "stylizer_mismatch"


def content_path_of(program: Program, head: StylizerHead) -> ContentPath:
    """The content path with the weights of the program. Raises UnfitStylizerError."""
    path = ContentPath(head).to(program.device)
    weights = {
        name.removeprefix(_PREFIX): weight
        for name, weight in program.named_weights()
        if name.startswith(_PREFIX)
    }
    shapes = {layer.name: tuple(layer.shape) for layer in program.layers}
    expected = {name: weight.shape for name, weight in path.state_dict().items()}
    if {name: weight.shape for name, weight in weights.items()} != expected or shapes.get(
        STYLE
    ) != (sum(path.sizes),):
        raise UnfitStylizerError(
            f"the network has no content path of the kind {head.network} and the width {head.width}",
            remedy="omit stylizer, or upload a stylizer as dynamic_instance_normalization made it",
        )
    path.load_state_dict(weights)
    return path.eval().requires_grad_(requires_grad=False)


def style_parameters(
    program: Program, picture: Float[Tensor, "1 3 row column"], *, reach: float = 1.0
) -> Float[Tensor, "1 parameter"]:
    """The parameters of a picture's style, seen with its shorter side at 256 pixels over the reach."""
    height, width = picture.shape[-2:]
    scale = STYLE_SIDE / reach / min(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    resized = functional.interpolate(
        picture, size=size, mode="bilinear", align_corners=False, antialias=True
    )
    slot = program.slot_of(STYLE)
    with torch.no_grad():
        values = program.interpret(resized, (slot,))
    parameters: Tensor = values[slot]
    return parameters


@dataclass(frozen=True)
class _Tile:
    """A part of a picture: the core that counts, within the region that is computed."""

    core: tuple[int, int, int, int]
    region: tuple[int, int, int, int]

    def cut(self, maps: Tensor, shrinkage: int = 1) -> Tensor:
        """The region of maps of the whole picture, so many times smaller than the picture."""
        top, bottom, left, right = (value // shrinkage for value in self.region)
        return maps[..., top:bottom, left:right]

    def core_of(self, maps: Tensor, shrinkage: int = 1) -> Tensor:
        """The core of maps of the region."""
        first_row, first_column = self.region[0], self.region[2]
        top, bottom = ((row - first_row) // shrinkage for row in self.core[:2])
        left, right = ((column - first_column) // shrinkage for column in self.core[2:])
        return maps[..., top:bottom, left:right]


@dataclass
class _RunningStatistics:
    """Statistics over tiles, merged in double precision (Chan et al. 1979)."""

    count: int = 0
    mean: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def add(self, maps: Float[Tensor, "image channel row column"]) -> None:
        """Takes in the maps of one more tile."""
        values = maps.double()
        count, mean = values.shape[-1] * values.shape[-2], values.mean(dim=(2, 3), keepdim=True)
        squares = (values - mean).square().sum(dim=(2, 3), keepdim=True)
        total, shift = self.count + count, mean - self.mean
        self.squares = self.squares + squares + shift.square() * (self.count * count / total)
        self.mean = self.mean + shift * (count / total)
        self.count = total

    def result(self, dtype: torch.dtype) -> MapStatistics:
        """The statistics of everything."""
        assert isinstance(self.mean, Tensor), "a picture has at least one tile"
        assert isinstance(self.squares, Tensor)
        return MapStatistics(self.mean.to(dtype), (self.squares / self.count).to(dtype))


@dataclass(frozen=True)
class Painter:
    """Paints with a content path, tile by tile.

    Attributes:
        tile: Side of a tile's core in pixels, a multiple of four.
    """

    path: ContentPath
    tile: int = _TILE

    def paint(
        self, picture: Float[Tensor, "1 3 row column"], conditions: Conditions
    ) -> Float[Tensor, "1 3 row column"]:
        """The painted picture; the noise of the conditions covers it rounded up to fours.

        The tiles are read once for the statistics of each dynamic layer, and once more to paint.
        """
        height, width = picture.shape[-2:]
        padded = _rounded_up(picture)
        shares = [_rounded_up(share) for share in conditions.shares]
        reach = conditions.reach
        reach, widest = (
            (_rounded_up(reach), float(reach.max()))
            if isinstance(reach, Tensor)
            else (reach, reach)
        )
        conditions = replace(conditions, shares=shares, reach=reach, statistics=())
        tiles = list(_tiles(padded.shape[-2], padded.shape[-1], self.tile, widest))
        with torch.no_grad():
            for layer in range(_LAYERS if self.path.normalizes else 0):
                running = _RunningStatistics()
                shrinkage = SHRINKAGE >> layer
                for tile in tiles:
                    maps = self.path.before(tile.cut(padded), layer, _within(conditions, tile))
                    running.add(tile.core_of(maps, shrinkage))
                statistics = (*conditions.statistics, running.result(picture.dtype))
                conditions = replace(conditions, statistics=statistics)
            painted = torch.empty_like(padded)
            for tile in tiles:
                top, bottom, left, right = tile.core
                colors = self.path(tile.cut(padded), _within(conditions, tile))
                painted[..., top:bottom, left:right] = tile.core_of(colors)
        return painted[..., :height, :width]


def _within(conditions: Conditions, tile: _Tile) -> Conditions:
    """The conditions of a tile's region."""
    reach = conditions.reach
    return replace(
        conditions,
        reach=tile.cut(reach) if isinstance(reach, Tensor) else reach,
        shares=[tile.cut(share) for share in conditions.shares],
        noise=None if conditions.noise is None else tile.cut(conditions.noise, SHRINKAGE),
    )


def rounded_up(size: int) -> int:
    """The next multiple of four."""
    return -(-size // SHRINKAGE) * SHRINKAGE


def _rounded_up(maps: Tensor) -> Tensor:
    """Maps mirrored at the right and the bottom until their sides are multiples of four."""
    height, width = maps.shape[-2:]
    below, beside = rounded_up(height) - height, rounded_up(width) - width
    return functional.pad(maps, (0, beside, 0, below), mode="reflect")


def _tiles(height: int, width: int, side: int, reach: float) -> Iterator[_Tile]:
    """Cores that cover the picture, each with a margin of half the receptive field around it."""
    margin = rounded_up(math.ceil(_RECEPTIVE + _PER_REACH * max(0.0, reach - 1)))
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(height, top + side), min(width, left + side)
            region = (
                max(0, top - margin),
                min(height, bottom + margin),
                max(0, left - margin),
                min(width, right + margin),
            )
            yield _Tile((top, bottom, left, right), region)


def stroke_noise(
    height: int, width: int, *, reach: float, seed: int
) -> Float[Tensor, "1 1 row column"]:
    """Noise of deviation 1 for a picture, a quarter of its size; wider strokes make it smoother."""
    generator = torch.Generator().manual_seed(seed)
    shape = (1, 1, rounded_up(height) // SHRINKAGE, rounded_up(width) // SHRINKAGE)
    noise = torch.randn(shape, generator=generator)
    if reach <= 1:
        return noise
    sigma = reach / 2
    radius = min(math.ceil(3 * sigma), min(shape[2:]) - 1)
    positions = torch.arange(-radius, radius + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (positions / sigma).square())
    weights = weights / weights.sum()
    padded = functional.pad(noise, (radius,) * 4, mode="reflect")
    rows = functional.conv2d(padded, weights.view(1, 1, -1, 1))
    smooth = functional.conv2d(rows, weights.view(1, 1, 1, -1))
    return smooth / smooth.std(correction=0).clamp_min(1e-6)


def varying_noise(
    reaches: Float[Tensor, "1 1 full_row full_column"], *, seed: int
) -> Float[Tensor, "1 1 row column"]:
    """As :func:`stroke_noise` for strokes that vary: between whole sizes, two noises are mixed."""
    height, width = reaches.shape[-2:]
    padded = _rounded_up(reaches)
    small = (padded.shape[-2] // SHRINKAGE, padded.shape[-1] // SHRINKAGE)
    sizes = functional.adaptive_avg_pool2d(padded, small).clamp_min(1)
    total = torch.zeros_like(sizes)
    for size in range(1, math.ceil(float(sizes.max())) + 1):
        noise = stroke_noise(height, width, reach=float(size), seed=seed)
        total = total + noise * (1 - (sizes - size).abs()).clamp_min(0)
    return total
