"""One image file: recognized by its first bytes, bounded before it is decoded, decoded whole."""

import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from workers.methods.dataset_ingestion.entries import ImageProblemError, Limits

_ORIENTATION = 0x0112
_SIDEWAYS = {5, 6, 7, 8}
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"PAR1", b"BZh", b"\xfd7zXZ")
_SIXTEEN_BITS = 65535


@dataclass(frozen=True)
class Picture:
    """What is known of a good image: ``width`` and ``height`` as it is looked at."""

    media_type: str
    width: int
    height: int


def look(data: bytes, limits: Limits) -> Picture:
    """The facts of an image that can be decoded. Raises ImageProblemError with the reason."""
    if len(data) > limits.image_bytes:
        raise ImageProblemError(f"the image is larger than {limits.image_bytes} bytes")
    kind = kind_of(data)
    picture = _opened(data, kind)
    _check_before_decoding(picture, limits.image_pixels)
    _decode(picture)
    turned = picture.getexif().get(_ORIENTATION) in _SIDEWAYS
    width, height = picture.size[::-1] if turned else picture.size
    return Picture(f"image/{kind.lower()}", width, height)


def kind_of(data: bytes) -> str:
    """Pillow's name for the format that the first bytes tell. Raises ImageProblemError."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM"):
        return "BMP"
    if data.startswith(b"GIF8"):
        raise ImageProblemError("GIF is not read; send the frame you mean as PNG")
    if data.startswith(_ARCHIVES):
        raise ImageProblemError("the file is an archive; archives in archives are not read")
    raise ImageProblemError("the file is not a JPEG, PNG, WebP or BMP image")


def _opened(data: bytes, kind: str) -> Image.Image:
    """The image with its header read, by the one decoder its first bytes call for."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(data), formats=[kind])
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        raise ImageProblemError(f"the image's header cannot be read: {error}") from error


def _check_before_decoding(picture: Image.Image, pixels_limit: int) -> None:
    """Refuse what would be too large in memory, and what moves."""
    width, height = picture.size
    if width * height > pixels_limit:
        raise ImageProblemError(
            f"the image has {width}x{height} pixels, {pixels_limit} in all are allowed"
        )
    if width < 1 or height < 1:
        raise ImageProblemError("the image is empty")
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        raise ImageProblemError(f"the image is animated ({frames} frames); send one frame of it")


def _decode(picture: Image.Image) -> None:
    """Decode every pixel, for a header alone proves nothing."""
    try:
        picture.load()
    except (OSError, ValueError, SyntaxError, struct.error, EOFError, IndexError) as error:
        raise ImageProblemError(f"the image is damaged: {error}") from error


def canonical_frame(data: bytes, side: int) -> np.ndarray:
    """A good image as looked at: center square, RGB, resized to ``side``; (side, side, 3) uint8.

    Transparency is laid over white. Bilinear, antialiased where it shrinks.
    """
    return _frame_of(_opened(data, kind_of(data)), side)


def checked_frame(data: bytes, side: int, *, bytes_limit: int, pixels_limit: int) -> np.ndarray:
    """``canonical_frame`` of a file nobody has looked at. Raises ImageProblemError."""
    if len(data) > bytes_limit:
        raise ImageProblemError(f"the image is larger than {bytes_limit} bytes")
    picture = _opened(data, kind_of(data))
    _check_before_decoding(picture, pixels_limit)
    _decode(picture)
    return _frame_of(picture, side)


def _frame_of(picture: Image.Image, side: int) -> np.ndarray:
    upright = ImageOps.exif_transpose(picture)
    square = _center_square(_as_rgb(upright))
    return np.asarray(square.resize((side, side), Image.Resampling.BILINEAR), dtype=np.uint8)


def _center_square(picture: Image.Image) -> Image.Image:
    """The largest square in the middle."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _as_rgb(picture: Image.Image) -> Image.Image:
    """The image in RGB, eight bits a channel."""
    if picture.mode.startswith("I"):
        # Pillow would clip 16-bit gray at 255 instead of scaling it.
        gray = np.asarray(picture, dtype=np.float64) * (255.0 / _SIXTEEN_BITS)
        picture = Image.fromarray(gray.clip(0, 255).round().astype(np.uint8))
    if picture.has_transparency_data:
        covered = picture.convert("RGBA")
        white = Image.new("RGBA", covered.size, "white")
        return Image.alpha_composite(white, covered).convert("RGB")
    return picture.convert("RGB")
