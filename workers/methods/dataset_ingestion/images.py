"""One image file: recognized by its first bytes, bounded before decoding, fully decoded."""

import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from workers.methods.dataset_ingestion.entries import ImageProblemError, Limits
from workers.programs.machine_faults import raise_machine_fault

_ORIENTATION = 0x0112
_SIDEWAYS = {5, 6, 7, 8}
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"PAR1", b"BZh", b"\xfd7zXZ")
_SIXTEEN_BITS = 65535


@dataclass(frozen=True)
class DecodedImage:
    """Facts of a valid image; ``width`` and ``height`` in display orientation."""

    media_type: str
    width: int
    height: int


def look(data: bytes, limits: Limits) -> DecodedImage:
    """Facts of an image, after decoding it. Raises ImageProblemError with the reason."""
    if len(data) > limits.image_bytes:
        raise ImageProblemError(f"the image is larger than {limits.image_bytes} bytes")
    kind = kind_of(data)
    picture = _opened(data, kind)
    _check_before_decoding(picture, limits.image_pixels)
    _decode(picture)
    is_sideways = picture.getexif().get(_ORIENTATION) in _SIDEWAYS
    width, height = picture.size[::-1] if is_sideways else picture.size
    return DecodedImage(f"image/{kind.lower()}", width, height)


def kind_of(data: bytes) -> str:
    """Pillow's name of the format given by the first bytes. Raises ImageProblemError."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM"):
        return "BMP"
    if data.startswith(b"GIF8"):
        raise ImageProblemError("GIF is not supported; send a single frame as PNG")
    if data.startswith(_ARCHIVES):
        raise ImageProblemError("the file is an archive; nested archives are not supported")
    raise ImageProblemError("the file is not a JPEG, PNG, WebP or BMP image")


def _opened(data: bytes, kind: str) -> Image.Image:
    """The image with its header read by the decoder of its format only."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(data), formats=[kind])
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        raise_machine_fault(error)
        raise ImageProblemError(f"the image's header cannot be read: {error}") from error


def _check_before_decoding(picture: Image.Image, pixels_limit: int) -> None:
    """Rejects images that are too large in memory, empty or animated."""
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
    """Decodes every pixel, since a valid header proves nothing."""
    try:
        picture.load()
    except (OSError, ValueError, SyntaxError, struct.error, EOFError, IndexError) as error:
        raise_machine_fault(error)
        raise ImageProblemError(f"the image is damaged: {error}") from error


def canonical_frame(data: bytes, side: int) -> np.ndarray:
    """The center square in display orientation, RGB, resized; (side, side, 3) uint8.

    Transparency is composited over white. Resizing is bilinear, antialiased when shrinking.
    """
    return _frame_of(_opened(data, kind_of(data)), side)


def checked_frame(data: bytes, side: int, *, bytes_limit: int, pixels_limit: int) -> np.ndarray:
    """``canonical_frame`` of an unchecked file. Raises ImageProblemError."""
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
    """The largest centered square."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _as_rgb(picture: Image.Image) -> Image.Image:
    """The image in RGB, eight bits per channel."""
    if picture.mode.startswith("I"):
        # Pillow would clip 16-bit gray at 255 instead of scaling it.
        gray = np.asarray(picture, dtype=np.float64) * (255.0 / _SIXTEEN_BITS)
        picture = Image.fromarray(gray.clip(0, 255).round().astype(np.uint8))
    if picture.has_transparency_data:
        covered = picture.convert("RGBA")
        white = Image.new("RGBA", covered.size, "white")
        return Image.alpha_composite(white, covered).convert("RGB")
    return picture.convert("RGB")
