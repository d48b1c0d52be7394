"""Files of a stylizer's request: contents, styles and masks as pixels, and pictures as files."""

import io
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from service.core.errors import InvalidRequestError
from service.core.stylizations import (
    LARGEST_SIDE,
    SMALLEST_SIDE,
    SMALLEST_STYLE,
    PictureFormat,
    StyleSettings,
)
from workers.methods.dataset_ingestion.entries import ImageProblemError
from workers.methods.dataset_ingestion.images import checked_pixels

LEVELS = 255
_OPAQUE = 0.5
_JPEG_QUALITY = 92
_ALPHA = 3

Colors = Float[Tensor, "1 3 row column"]
Pixels = UInt8[np.ndarray, "row column plane"]


class UnpaintableError(InvalidRequestError):
    """A picture of the request does not suit a stylizer; ``pointer`` names its field."""

    def __init__(self, pointer: str, detail: str, *, code: str, remedy: str) -> None:
        super().__init__(detail, code=code, remedy=remedy)
        self.pointer = pointer


@dataclass(frozen=True)
class FileLimits:
    """Limits of an encoded image."""

    bytes: int
    pixels: int


@dataclass(frozen=True)
class Content:
    """A picture to paint.

    Attributes:
        pixels: As they are returned at strength 0.
        colors: The same in [0, 1], with transparent parts over the mean color.
    """

    pixels: UInt8[np.ndarray, "row column plane"]
    colors: Colors


@dataclass(frozen=True)
class FileReader:
    """Reads the files of one request within limits."""

    limits: FileLimits
    settings: StyleSettings

    def content(self, index: int, data: bytes) -> "Content":
        """A content, reduced if the settings allow it. Raises UnpaintableError."""
        name = f"image {index}"
        pixels = _reduced(self._pixels("/images", name, data), self.settings.max_side)
        _require_size(name, pixels)
        if pixels.shape[2] > _ALPHA and self.settings.format is PictureFormat.JPEG:
            raise UnpaintableError(
                "/format",
                f"{name} has transparency, which JPEG cannot hold",
                code="alpha_needs_png",
                remedy="set format to png, or send the image without transparency",
            )
        return Content(pixels, _over_mean_color(pixels))

    def style(self, index: int, data: bytes) -> Colors:
        """The colors of a style. Raises UnpaintableError."""
        name = f"style {index}"
        pixels = self._pixels("/styles", name, data)
        height, width = pixels.shape[:2]
        if min(height, width) < SMALLEST_STYLE:
            raise UnpaintableError(
                "/styles",
                f"{name} has {width} x {height} pixels; the smallest side is {SMALLEST_STYLE}",
                code="style_too_small",
                remedy="send a larger picture of the style",
            )
        if pixels.shape[2] > _ALPHA and not (pixels[..., _ALPHA] > _OPAQUE * LEVELS).any():
            raise UnpaintableError(
                "/styles",
                f"{name} is transparent everywhere",
                code="style_transparent",
                remedy="send a picture with opaque parts",
            )
        # Far more pixels than the network will see would only take time.
        return _over_mean_color(_reduced(pixels, LARGEST_SIDE))

    def mask(self, index: int, data: bytes) -> UInt8[np.ndarray, "row column"]:
        """The gray values of a mask. Raises UnpaintableError."""
        return self._grays("/masks", f"mask {index}", data)

    def stroke_map(self, data: bytes) -> UInt8[np.ndarray, "row column"]:
        """The gray values of a stroke map. Raises UnpaintableError."""
        return self._grays("/stroke_map", "the stroke map", data)

    def _grays(self, pointer: str, name: str, data: bytes) -> UInt8[np.ndarray, "row column"]:
        pixels = self._pixels(pointer, name, data)
        grays: UInt8[np.ndarray, "row column"] = pixels[..., :_ALPHA].mean(2).astype(np.uint8)
        return grays

    def _pixels(self, pointer: str, name: str, data: bytes) -> Pixels:
        try:
            return checked_pixels(
                data, bytes_limit=self.limits.bytes, pixels_limit=self.limits.pixels
            )
        except ImageProblemError as error:
            raise UnpaintableError(
                pointer,
                f"{name}: {error.detail}",
                code="image_unreadable",
                remedy=error.remedy or "send JPEG, PNG, WebP, BMP, AVIF or HEIC files",
            ) from error


def _require_size(name: str, pixels: Pixels) -> None:
    """Accept a content of 8 to 2048 pixels a side. Raises UnpaintableError."""
    height, width = pixels.shape[:2]
    if max(height, width) > LARGEST_SIDE:
        raise UnpaintableError(
            "/images",
            f"{name} has {width} x {height} pixels; the largest side is {LARGEST_SIDE}",
            code="image_too_large",
            remedy="set max_side to reduce it, or send a smaller image",
        )
    if min(height, width) < SMALLEST_SIDE:
        raise UnpaintableError(
            "/images",
            f"{name} has {width} x {height} pixels; the smallest side is {SMALLEST_SIDE}",
            code="image_too_small",
            remedy="send a larger image",
        )


def _reduced(
    pixels: UInt8[np.ndarray, "row column plane"], side: int | None
) -> UInt8[np.ndarray, "small_row small_column plane"]:
    """Pixels whose longer side is at most ``side``."""
    height, width = pixels.shape[:2]
    if side is None or max(height, width) <= side:
        return pixels
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def _over_mean_color(pixels: UInt8[np.ndarray, "row column plane"]) -> Colors:
    """Colors in [0, 1]; transparent parts show the mean color of the others."""
    colors = torch.from_numpy(pixels[..., :_ALPHA].copy()).permute(2, 0, 1)[None].float() / LEVELS
    if pixels.shape[2] == _ALPHA:
        return colors
    alpha = torch.from_numpy(pixels[..., _ALPHA].copy())[None, None].float() / LEVELS
    mean = (colors * alpha).sum((2, 3), keepdim=True) / alpha.sum().clamp_min(1e-6)
    return colors * alpha + mean * (1 - alpha)


def pixels_of(colors: Colors) -> UInt8[np.ndarray, "row column 3"]:
    """Colors in [0, 1] as levels."""
    levels: UInt8[np.ndarray, "row column 3"]
    levels = (colors[0].clamp(0, 1) * LEVELS).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return levels


def with_colors(
    pixels: UInt8[np.ndarray, "row column plane"], colors: Colors
) -> UInt8[np.ndarray, "row column plane"]:
    """The pixels with other colors; their transparency stays."""
    levels = pixels_of(colors)
    if pixels.shape[2] == _ALPHA:
        return levels
    return np.concatenate([levels, pixels[..., _ALPHA:]], axis=2)


def picture_file(
    pixels: UInt8[np.ndarray, "row column plane"], picture_format: PictureFormat
) -> bytes:
    """The pixels as a file of the format."""
    buffer = io.BytesIO()
    if picture_format is PictureFormat.PNG:
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
