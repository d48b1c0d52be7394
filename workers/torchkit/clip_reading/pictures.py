"""Pictures of a clip for people: its middle frame with the crop, and its log-mel frames."""

import io

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw
from torch import Tensor

_LARGEST_SIDE = 480
_BOX_COLOR = (255, 190, 0)
_WIDEST = 900
_PIXELS_A_BAND = 2
_DARKEST, _BRIGHTEST = 1, 99


def poster(picture: UInt8[np.ndarray, "row column 3"], rows: slice, columns: slice) -> bytes:
    """The frame with the box around rows and columns, at most 480 pixels a side, as PNG."""
    height, width = picture.shape[:2]
    scale = min(1.0, _LARGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR)
    corners = (columns.start, rows.start, columns.stop - 1, rows.stop - 1)
    ImageDraw.Draw(image).rectangle(
        [round(corner * scale) for corner in corners], outline=_BOX_COLOR, width=2
    )
    return _png(image)


def mel_picture(mel: Float[Tensor, "frame band"]) -> bytes:
    """Time to the right, high tones on top; dark to bright from the 1st to the 99th percentile, PNG."""
    values = _narrowed(mel.T.flip(0).numpy())
    low, high = np.percentile(values, [_DARKEST, _BRIGHTEST])
    shades = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    colors = (mpl.colormaps["magma"](shades)[..., :3] * 255).round().astype(np.uint8)
    size = (colors.shape[1], colors.shape[0] * _PIXELS_A_BAND)
    return _png(Image.fromarray(colors).resize(size, Image.Resampling.BILINEAR))


def _narrowed(values: np.ndarray) -> np.ndarray:
    """At most 900 columns, each the mean of as many as it stands for: a long sound fits into memory."""
    count = values.shape[1]
    if count <= _WIDEST:
        return values
    starts = np.arange(_WIDEST) * count // _WIDEST
    lengths = np.diff(np.append(starts, count))
    return np.asarray(np.add.reduceat(values, starts, axis=1) / lengths)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
