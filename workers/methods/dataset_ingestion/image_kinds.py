"""Formats of images, recognized by the first bytes or, before anything is read, by the suffix."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from PIL import features

from workers.methods.dataset_ingestion.entries import ImageProblemError

_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"PAR1", b"BZh", b"\xfd7zXZ")
_FIRST_BYTES: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"BM": "BMP",
}
_UNSUPPORTED: Mapping[bytes, str] = {
    b"GIF8": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"MM\x00+": "TIFF",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"P5": "PGM",
    b"P6": "PPM",
    b"\x00\x00\x01\x00": "ICO",
    b"8BPS": "PSD",
}
_BRANDS: Mapping[bytes, str] = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIF"),
}
_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".gif", ".tif", ".tiff",
    ".jp2", ".j2k", ".jxl", ".heic", ".heif", ".hif", ".avif", ".ppm", ".pgm", ".pnm", ".ico",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".rw2", ".orf", ".raf", ".svg", ".psd", ".tga", ".pcx",
    ".pbm", ".exr", ".hdr", ".dcm",
})  # fmt: skip
_CONVERT = "convert it to PNG or JPEG"


def kind_of(data: bytes) -> str:
    """Pillow's name of the format given by the first bytes. Raises ImageProblemError."""
    kind = _kind_named_by(data)
    if kind is not None:
        return kind
    for head, name in _UNSUPPORTED.items():
        if data.startswith(head):
            raise ImageProblemError(f"{name} is not supported", remedy=_CONVERT)
    if data.startswith(_ARCHIVES):
        raise ImageProblemError("the file is an archive; nested archives are not supported")
    if not data:
        raise ImageProblemError("the file is empty")
    raise ImageProblemError(
        "the file is not a JPEG, PNG, WebP, BMP, AVIF or HEIC image", remedy=_CONVERT
    )


def is_named_as_image(path: PurePosixPath) -> bool:
    """Whether the suffix is that of an image, supported or not."""
    return path.suffix.lower() in _SUFFIXES


def looks_like_image(data: bytes) -> bool:
    """Whether the first bytes are those of an image, supported or not."""
    return _kind_named_by(data) is not None or any(data.startswith(head) for head in _LONG_HEADS)


_LONG_HEADS = tuple(head for head in _UNSUPPORTED if len(head) > 2)  # noqa: PLR2004 - no magic of two bytes


def require_decoder(kind: str) -> None:
    """Makes the decoder of a format available.

    Raises:
        ImageProblemError: ``decoder_missing``: it is in a library that is not installed.
    """
    if kind == "HEIF":
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            raise ImageProblemError(
                "HEIC needs the library pillow-heif, which the workers lack",
                code="decoder_missing",
                remedy="install the extra `zooscope[heif]` where the workers run, or convert it to JPEG",
            ) from error
        register_heif_opener(thumbnails=False)
    if kind == "AVIF" and not features.check("avif"):
        raise ImageProblemError(
            "AVIF needs a build of Pillow with libavif, which the workers lack",
            code="decoder_missing",
            remedy="install a wheel of Pillow 12 or later where the workers run, or convert it to JPEG",
        )


def _kind_named_by(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in _BRANDS:
        return _BRANDS[data[8:12]]
    return next((kind for head, kind in _FIRST_BYTES.items() if data.startswith(head)), None)
