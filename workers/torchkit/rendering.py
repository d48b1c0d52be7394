"""Pictures for people: an image, a heat map, the map over the image, and a sheet of them.

Colours: signed maps are drawn blue (against) - white - red (for) on a scale symmetric about 0;
absolute maps dark to bright. The scale ends at the 99.5th percentile, so that one bright pixel
does not darken the rest. What is drawn is for looking at; stored maps are not touched.
"""

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional

from service.core.catalogue.attribution_map import Style
from workers.torchkit.canonical import resize

_SMALLEST_SIDE = 256
_PIXEL_ART_BELOW = 64
_PERCENTILE = 0.995
_BLUR_SHARE = 1 / 60
_GREYED = 0.65
_GAP = 6
_CAPTION = 18

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


def draw(heat_map: Plane, image: Photo, style: Style) -> Picture:
    """The map in the style asked for, at least 256 pixels wide."""
    if style is Style.SIGNED:
        return signed_heat_map(heat_map, image.shape[0])
    if style is Style.ABSOLUTE:
        return absolute_heat_map(heat_map, image.shape[0])
    return overlay(heat_map, image)


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


def signed_heat_map(heat_map: Plane, side: int) -> Picture:
    """Red where the map is positive, blue where it is negative, white at 0."""
    shown = display_plane(heat_map, side)
    return coloured(0.5 + 0.5 * shown / strongest(shown), "RdBu_r")


def absolute_heat_map(heat_map: Plane, side: int) -> Picture:
    """Brighter where |map| is larger."""
    shown = display_plane(heat_map.abs(), side)
    return coloured(shown / strongest(shown), "inferno")


def overlay(heat_map: Plane, image: Photo) -> Picture:
    """The greyed image under the colours of |map|, which cover where the map is strong.

    |map| is smoothed first: single pixels of a gradient are noise to the eye, and the region
    they fall on is what one looks for.
    """
    side = drawn_side(image.shape[0])
    shown = smoothed(display_plane(heat_map.abs(), image.shape[0]), side * _BLUR_SHARE)
    strength = (shown / strongest(shown)).clamp(0, 1).unsqueeze(-1)
    colours = coloured(strength.squeeze(-1), "inferno").float()
    cover = 0.85 * strength**0.7
    mixed = cover * colours + (1 - cover) * greyed(enlarged(image))
    return mixed.round().clamp(0, 255).to(torch.uint8)


def greyed(picture: Picture) -> Float[Tensor, "row column 3"]:
    """The image with most of its colour taken away, so that the map's colours stand out."""
    pixels = picture.float()
    return torch.lerp(pixels, pixels.mean(dim=-1, keepdim=True).expand_as(pixels), _GREYED)


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


def coloured(values: DrawnPlane, palette: str) -> Picture:
    """Values from 0 to 1 as colours of a matplotlib palette; beyond, the end colours."""
    rgba = mpl.colormaps[palette](values.clamp(0, 1).numpy(), bytes=True)
    return torch.from_numpy(np.ascontiguousarray(rgba[..., :3]))


def sheet(
    rows: Sequence[Sequence[Picture]], captions: Sequence[str] = ()
) -> UInt8[Tensor, "height width 3"]:
    """Pictures in a grid on white; ``captions`` stand above the columns.

    Rows may differ in length; every cell is as large as the largest picture.
    """
    height = max(one.shape[0] for row in rows for one in row)
    width = max(one.shape[1] for row in rows for one in row)
    columns = max(len(row) for row in rows)
    top = _CAPTION if captions else 0
    canvas = Image.new(
        "RGB", (columns * (width + _GAP) + _GAP, len(rows) * (height + _GAP) + _GAP + top), "white"
    )
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            place = (_GAP + column * (width + _GAP), top + _GAP + row * (height + _GAP))
            canvas.paste(Image.fromarray(picture.numpy()), place)
    pen = ImageDraw.Draw(canvas)
    for column, caption in enumerate(captions):
        pen.text((_GAP + column * (width + _GAP), _GAP), caption, fill="black")
    return torch.from_numpy(np.array(canvas))
