"""One image file: recognized by its first bytes, bounded before decoding, fully decoded."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from workers.methods.dataset_ingestion.entries import ImageProblemError, Limits, check_image_bytes
from workers.methods.dataset_ingestion.image_kinds import kind_of, require_decoder
from workers.methods.dataset_ingestion.truncated_jpeg import ended, has_end, lacks_only_its_end
from workers.programs.machine_faults import raise_machine_fault

_ORIENTATION = 0x0112
_SIDEWAYS = {5, 6, 7, 8}
_PNG_DEPTH_AT = 24
_PNG_COLOR_AT = 25
_PNG_GRAY = 0
_PNG_END = b"IEND\xaeB`\x82"
_DEPTHS = (8, 10, 12, 14, 16)
_DEEPEST = 16
_PLANE = 2
_LARGEST_CLASS = 255
# With the lower of two bytes cut off, what is at most this had at most twelve bits.
_DARKEST_HIGH_BYTE = 15
_DECODER_ERRORS = (OSError, ValueError, SyntaxError, struct.error, EOFError, IndexError)
_AS_MASK = "save it as PNG with a palette or in gray, with the number of the class as value"
_CUT = "the end of the file is missing; what is there was decoded"


@dataclass(frozen=True)
class ImageRemark:
    """What is unusual about a valid image."""

    code: str
    detail: str


@dataclass(frozen=True)
class DecodedImage:
    """Facts of a valid image; ``width`` and ``height`` in display orientation."""

    media_type: str
    width: int
    height: int
    remarks: tuple[ImageRemark, ...] = ()


def look(data: bytes, limits: Limits) -> DecodedImage:
    """Facts of an image, after decoding it. Raises ImageProblemError with the reason."""
    check_image_bytes(len(data), limits.image_bytes)
    kind = kind_of(data)
    picture, remarks = _decoded(data, kind, limits.image_pixels)
    is_sideways = picture.getexif().get(_ORIENTATION) in _SIDEWAYS
    width, height = picture.size[::-1] if is_sideways else picture.size
    return DecodedImage(f"image/{kind.lower()}", width, height, remarks)


def canonical_frame(data: bytes, side: int) -> np.ndarray:
    """The center square in display orientation, RGB, resized; (side, side, 3) uint8.

    Transparency is composited over white. Gray of more than eight bits is scaled by the smallest
    usual depth that holds the image. Resizing is bilinear, antialiased when shrinking.
    """
    return _frame_of(_decoded(data, kind_of(data), None)[0], side)


def checked_frame(data: bytes, side: int, *, bytes_limit: int, pixels_limit: int) -> np.ndarray:
    """``canonical_frame`` of an unchecked file. Raises ImageProblemError."""
    check_image_bytes(len(data), bytes_limit)
    return _frame_of(_decoded(data, kind_of(data), pixels_limit)[0], side)


def checked_pixels(data: bytes, *, bytes_limit: int, pixels_limit: int) -> np.ndarray:
    """All pixels of an unchecked file in display orientation: (row, column, 3), or 4 with alpha.

    Raises:
        ImageProblemError: It cannot be read.
    """
    check_image_bytes(len(data), bytes_limit)
    picture = _decoded(data, kind_of(data), pixels_limit)[0]
    with _without_pillows_limit():
        upright = ImageOps.exif_transpose(picture)
        colors = upright.convert("RGBA") if upright.has_transparency_data else _as_rgb(upright)
    return np.asarray(colors, dtype=np.uint8)


def _decoded(
    data: bytes, kind: str, pixels_limit: int | None
) -> tuple[Image.Image, tuple[ImageRemark, ...]]:
    """The image with all its pixels, and what is unusual; bounded before decoding."""
    require_decoder(kind)
    opened = _opened(data, kind)
    remarks = _check_before_decoding(opened, kind, pixels_limit)
    picture: Image.Image = opened
    try:
        _decode(opened)
    except ImageProblemError:
        if kind != "JPEG":
            raise
        picture = _with_its_end(data, opened)
    if kind == "JPEG" and not has_end(data):
        remarks.append(ImageRemark("truncated", _CUT))
    if kind == "PNG":
        remarks += _png_remarks(data, picture)
    return picture, tuple(remarks)


def _with_its_end(data: bytes, partial: ImageFile.ImageFile) -> Image.Image:
    """The picture of a JPEG that lacks its end. Raises ImageProblemError if more is missing."""
    picture = _opened(ended(data), "JPEG")
    _decode(picture)
    if not lacks_only_its_end(data, partial, picture):
        raise ImageProblemError("the image is damaged: more than the end of the file is missing")
    return picture


@contextmanager
def _without_pillows_limit() -> Iterator[None]:
    """Only the limit of the settings counts, which Pillow's own could be below."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _opened(data: bytes, kind: str) -> ImageFile.ImageFile:
    """The image with its header read by the decoder of its format only."""
    try:
        with _without_pillows_limit(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(data), formats=[kind])
    except _DECODER_ERRORS as error:
        raise_machine_fault(error)
        # Pillow's own words name an object in memory.
        unknown = isinstance(error, UnidentifiedImageError)
        reason = f"it is not that of a {kind} image" if unknown else error
        raise ImageProblemError(f"the image's header cannot be read: {reason}") from error


def _check_before_decoding(
    picture: Image.Image, kind: str, pixels_limit: int | None
) -> list[ImageRemark]:
    """Rejects images that are too large in memory, empty or animated."""
    width, height = picture.size
    if pixels_limit is not None and width * height > pixels_limit:
        raise _too_many_pixels(
            f"the image has {width}x{height} = {width * height} pixels, {pixels_limit} are allowed"
        )
    if width < 1 or height < 1:
        raise ImageProblemError("the image is empty")
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and kind in {"JPEG", "HEIF"}:
        # Phones add a depth map, a preview or the other eye's view.
        return [ImageRemark("first_picture", "the file holds several pictures; the first is used")]
    if frames > 1:
        raise ImageProblemError(
            f"the image is animated ({frames} frames)", remedy="save one frame of it as PNG"
        )
    return []


def _too_many_pixels(detail: str) -> ImageProblemError:
    return ImageProblemError(
        f"{detail}; ZOO_MAX_IMAGE_PIXELS sets the limit",
        remedy="shrink the image, or raise ZOO_MAX_IMAGE_PIXELS where the workers run",
    )


def _decode(picture: Image.Image) -> None:
    """Decodes every pixel, since a valid header proves nothing."""
    try:
        picture.load()
    except _DECODER_ERRORS as error:
        raise_machine_fault(error)
        raise ImageProblemError(f"the image is damaged: {str(error).strip()}") from error


def mask_values(data: bytes, limits: Limits) -> np.ndarray:
    """The values of a mask in PNG, (row, column) uint8: gray, or indices into a palette.

    Raises:
        ImageProblemError: It cannot be read, or has colors (``mask_colors``).
    """
    check_image_bytes(len(data), limits.image_bytes)
    if kind_of(data) != "PNG":
        raise ImageProblemError(
            "it is no PNG, and may have changed its values",
            code="mask_form",
            remedy=_AS_MASK,
        )
    picture, _ = _decoded(data, "PNG", limits.image_pixels)
    values = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
    if values.ndim != _PLANE or int(values.max(initial=0)) > _LARGEST_CLASS:
        raise ImageProblemError(
            "it has colors, or values above 255, instead of one class per pixel",
            code="mask_colors",
            remedy=_AS_MASK,
        )
    return values.astype(np.uint8)


def _png_remarks(data: bytes, picture: Image.Image) -> list[ImageRemark]:
    """Remarks on a PNG without its end or with fewer bits than its container.

    Raises:
        ImageProblemError: ``lost_depth``: color of which decoding leaves a few levels.
    """
    remarks = [] if _PNG_END in data else [ImageRemark("truncated", _CUT)]
    if data[_PNG_DEPTH_AT] < _DEEPEST:
        return remarks
    if data[_PNG_COLOR_AT] != _PNG_GRAY:
        _require_depth(picture)
    elif (depth := _depth(np.asarray(picture))) < _DEEPEST:
        detail = f"16-bit gray that uses {depth} bits is scaled by {depth} bits"
        remarks.append(ImageRemark("scaled_depth", detail))
    return remarks


def _require_depth(picture: Image.Image) -> None:
    """Rejects 16-bit color that uses at most twelve bits, since the decoder drops the lower eight."""
    colors = np.asarray(picture.convert("RGB"))
    if 0 < colors.max() <= _DARKEST_HIGH_BYTE:
        raise ImageProblemError(
            "16-bit color that uses at most 12 bits would become almost black",
            code="lost_depth",
            remedy="scale its values to the full 16 bits, or convert it to 8 bits",
        )


def _depth(gray: np.ndarray) -> int:
    """The smallest usual number of bits that holds every value."""
    return next(depth for depth in _DEPTHS if int(gray.max()) < 2**depth)


def _frame_of(picture: Image.Image, side: int) -> np.ndarray:
    with _without_pillows_limit():
        upright = ImageOps.exif_transpose(picture)
        square = center_square(_as_rgb(upright))
    return np.asarray(square.resize((side, side), Image.Resampling.BILINEAR), dtype=np.uint8)


def center_square(picture: Image.Image) -> Image.Image:
    """The largest centered square."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _as_rgb(picture: Image.Image) -> Image.Image:
    """The image in RGB, eight bits per channel."""
    if picture.mode.startswith("I"):
        # Pillow would clip 16-bit gray at 255 instead of scaling it.
        gray = np.asarray(picture).clip(0, 2**_DEEPEST - 1).astype(np.float64)
        scaled = gray * (255.0 / (2 ** _depth(gray) - 1))
        scaled[gray == picture.info.get("transparency", -1)] = 255.0
        picture = Image.fromarray(scaled.round().astype(np.uint8))
    if picture.has_transparency_data:
        covered = picture.convert("RGBA")
        white = Image.new("RGBA", covered.size, "white")
        return Image.alpha_composite(white, covered).convert("RGB")
    return picture.convert("RGB")
