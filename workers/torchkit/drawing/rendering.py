"""Pictures for people: an image, a heat map, the map over the image.

Colors: signed maps are drawn blue (against) - white - red (for) on a scale symmetric about 0;
absolute maps dark to bright. The scale ends at the 99.5th percentile, so that one bright pixel
does not darken the rest. What is drawn is for looking at; stored maps are not touched.
"""

import io

import matplotlib as mpl
import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from service.core.catalog.attribution_map import Style
from workers.torchkit.attribution.canonical import resize

_SMALLEST_SIDE = 256
_PIXEL_ART_BELOW = 64
_PERCENTILE = 0.995
_BLUR_SHARE = 1 / 60
_DESATURATION = 0.65
_OPAQUE = 0.95
_COVER_POWER = 0.7
# Black, where the palette begins, would look like a shadow on the image.
_PALETTE_START = 0.3

Plane = Float[Tensor, "grid grid"]
DrawnPlane = Float[Tensor, "row column"]
Photo = UInt8[Tensor, "side side 3"]
Picture = UInt8[Tensor, "row column 3"]


def png(picture: Picture) -> bytes:
    """The picture as a PNG file.

    Not squeezed to the last byte: that takes six times as long for 4 % of the size, and a third
    of a second for each picture.
    """
    buffer = io.BytesIO()
    Image.fromarray(picture.numpy()).save(buffer, format="PNG")
    return buffer.getvalue()


def draw(heat_map: Plane, image: Photo, style: Style, *, scale: float | None = None) -> Picture:
    """The map in the requested style, at least 256 pixels wide.

    Args:
        scale: The value at which colors end; None takes the map's own strength.
    """
    if style is Style.SIGNED:
        return signed_heat_map(heat_map, image.shape[0], scale=scale)
    if style is Style.ABSOLUTE:
        return absolute_heat_map(heat_map, image.shape[0], scale=scale)
    return overlay(heat_map, image, scale=scale)


def strength_of(heat_map: Plane, side: int, style: Style) -> float:
    """The value at which the map's own color scale ends when it is drawn in this style."""
    return strongest(
        _overlay_plane(heat_map, side) if style is Style.OVERLAY else display_plane(heat_map, side)
    )


def enlarged(image: Photo) -> Picture:
    """The image at the size maps are drawn at; small images keep visible pixels."""
    side = drawn_side(image.shape[0])
    how = (
        Image.Resampling.NEAREST if image.shape[0] < _PIXEL_ART_BELOW else Image.Resampling.BICUBIC
    )
    return torch.from_numpy(np.array(Image.fromarray(image.numpy()).resize((side, side), how)))


def drawn_side(side: int) -> int:
    """The smallest whole multiple of ``side`` that is at least 256."""
    return side * max(1, -(-_SMALLEST_SIDE // side))


def signed_heat_map(heat_map: Plane, side: int, *, scale: float | None = None) -> Picture:
    """Red where the map is positive, blue where it is negative, white at 0."""
    shown = display_plane(heat_map, side)
    return with_colormap(0.5 + 0.5 * shown / _end(shown, scale), "RdBu_r")


def absolute_heat_map(heat_map: Plane, side: int, *, scale: float | None = None) -> Picture:
    """Brighter where |map| is larger."""
    shown = display_plane(heat_map.abs(), side)
    return with_colormap(shown / _end(shown, scale), "inferno")


def overlay(heat_map: Plane, image: Photo, *, scale: float | None = None) -> Picture:
    """The grayed image under the colors of |map|, which cover where the map is strong.

    |map| is smoothed first: single pixels of a gradient are noise to the eye, and the region
    they fall on is what one looks for.
    """
    shown = _overlay_plane(heat_map, image.shape[0])
    strength = (shown / _end(shown, scale)).clamp(0, 1)
    return over(strength_colors(strength), strength, desaturated(enlarged(image)))


def over(colors: Picture, strength: DrawnPlane, ground: Float[Tensor, "row column 3"]) -> Picture:
    """Colors over a ground that shows where the strength is small."""
    alpha = cover(strength).unsqueeze(-1)
    mixed = alpha * colors.float() + (1 - alpha) * ground
    return mixed.round().clamp(0, 255).to(torch.uint8)


def cover(strength: DrawnPlane) -> DrawnPlane:
    """How opaque a strength from 0 to 1 is drawn: 0 lets all through, 1 nearly nothing."""
    return _OPAQUE * strength**_COVER_POWER


def strength_colors(strength: DrawnPlane) -> Picture:
    """Strengths from 0 to 1 from violet to yellow."""
    return with_colormap(_PALETTE_START + (1 - _PALETTE_START) * strength, "inferno")


def _overlay_plane(heat_map: Plane, side: int) -> DrawnPlane:
    return smoothed(display_plane(heat_map.abs(), side), drawn_side(side) * _BLUR_SHARE)


def _end(shown: DrawnPlane, scale: float | None) -> float:
    return strongest(shown) if scale is None else scale


def desaturated(picture: Picture) -> Float[Tensor, "row column 3"]:
    """The image with most of its color taken away, so that the map's colors stand out."""
    pixels = picture.float()
    return torch.lerp(pixels, pixels.mean(dim=-1, keepdim=True).expand_as(pixels), _DESATURATION)


def display_plane(heat_map: Plane, side: int) -> DrawnPlane:
    """The map enlarged to the drawn size; NaN and infinity are drawn as 0."""
    drawn = drawn_side(side)
    finite = heat_map.float().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    return resize(finite[None, None], (drawn, drawn))[0, 0]


def strongest(shown: DrawnPlane) -> float:
    """The 99.5th percentile of |map|, or the maximum where that is 0; 1 for an empty map."""
    magnitudes = shown.abs().flatten()
    ordered = magnitudes.sort().values
    percentile = float(ordered[int(_PERCENTILE * (len(ordered) - 1))])
    return percentile or float(ordered[-1]) or 1.0


def smoothed(plane: DrawnPlane, sigma: float) -> DrawnPlane:
    """The plane under a Gaussian of width ``sigma`` pixels, mirrored at the border."""
    reach = min(max(1, round(3 * sigma)), min(plane.shape) - 1)
    offsets = torch.arange(-reach, reach + 1, dtype=plane.dtype)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    weights = weights / weights.sum()
    padded = functional.pad(plane[None, None], [reach] * 4, mode="reflect")
    rows = functional.conv2d(padded, weights.view(1, 1, -1, 1))
    return functional.conv2d(rows, weights.view(1, 1, 1, -1))[0, 0]


def with_colormap(values: DrawnPlane, palette: str) -> Picture:
    """Values from 0 to 1 as colors of a matplotlib palette; beyond, the end colors."""
    rgba = mpl.colormaps[palette](values.clamp(0, 1).numpy(), bytes=True)
    return torch.from_numpy(np.ascontiguousarray(rgba[..., :3]))
