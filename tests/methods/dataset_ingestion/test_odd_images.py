"""Images as phones, cameras and interrupted copies leave them are decoded, or refused by name."""

import io
import struct
import sys
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.methods.dataset_ingestion.uploads import LIMITS, notes_of, picture, reasons, zipped
from workers.methods.dataset_ingestion.entries import ImageProblemError
from workers.methods.dataset_ingestion.images import canonical_frame, checked_frame, look

WIDE = replace(LIMITS, image_pixels=10**6, image_bytes=10**7, total_bytes=10**9)


def noise(*size: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).random((*size, 3)) * 255
    return Image.fromarray(values.astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_a_phones_file_of_two_pictures_is_its_first(taken_in):
    first = noise(48, 48)
    data = encoded(first, "MPO", save_all=True, append_images=[noise(24, 24)])

    result = taken_in(zipped({"cat/1.jpg": data, "dog/2.png": picture()}))

    assert (result.images[0].width, result.images[0].media_type) == (48, "image/jpeg")
    assert notes_of(result)["first_picture"] == 1
    assert (canonical_frame(data, 48) == canonical_frame(encoded(first, "JPEG"), 48)).mean() > 0.9


JPEGS = {
    "baseline": {"quality": 95},
    "low quality": {"quality": 30},
    "full color": {"quality": 90, "subsampling": 0},
    "halved color": {"quality": 90, "subsampling": 1},
    "progressive": {"quality": 90, "progressive": True},
}


@pytest.mark.parametrize("form", JPEGS)
@pytest.mark.parametrize("size", [(48, 48), (333, 200), (16, 400)])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_jpeg_without_its_last_bytes_is_decoded_and_noted(form: str, size, cut: int):
    whole = encoded(noise(*size), "JPEG", **JPEGS[form])

    image = look(whole[:-cut], WIDE)

    assert [remark.code for remark in image.remarks] == ["truncated"]
    differing = canonical_frame(whole[:-cut], 64) != canonical_frame(whole, 64)
    assert differing.mean() < 0.12


@pytest.mark.parametrize("form", ["baseline", "low quality", "full color", "halved color"])
@pytest.mark.parametrize("size", [(48, 48), (333, 200)])
def test_a_jpeg_that_lacks_a_third_is_refused(form: str, size):
    whole = encoded(noise(*size), "JPEG", **JPEGS[form])

    with pytest.raises(ImageProblemError, match="damaged"):
        look(whole[: len(whole) * 2 // 3], WIDE)


def test_a_progressive_jpeg_without_its_last_scans_is_refused():
    whole = encoded(noise(64, 64), "JPEG", progressive=True)

    with pytest.raises(ImageProblemError, match="damaged"):
        look(whole[: len(whole) // 3], WIDE)


@pytest.mark.parametrize("end", range(2, 60))
def test_headers_cut_anywhere_are_refused(end: int):
    with pytest.raises(ImageProblemError):
        look(encoded(noise(16, 16), "JPEG")[:end], WIDE)


def test_a_dark_border_is_not_taken_for_missing_rows():
    framed = np.asarray(noise(96, 64)).copy()
    framed[40:] = 0
    whole = encoded(Image.fromarray(framed), "JPEG")

    assert [remark.code for remark in look(whole[:-2], WIDE).remarks] == ["truncated"]


def test_a_png_without_its_end_is_decoded_and_noted():
    image = look(encoded(noise(20, 20), "PNG")[:-2], WIDE)

    assert [remark.code for remark in image.remarks] == ["truncated"]


def test_junk_after_the_end_of_a_jpeg_is_nothing_unusual():
    assert look(encoded(noise(20, 20), "JPEG") + bytes(64), WIDE).remarks == ()


def gray16(largest: int) -> bytes:
    ramp = np.linspace(0, largest, 64 * 64).reshape(64, 64).round().astype(np.uint16)
    return encoded(Image.fromarray(ramp), "PNG")


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_gray_of_fewer_bits_than_its_file_is_scaled_by_its_range(taken_in, bits: int):
    data = gray16(2**bits - 1)

    result = taken_in(zipped({"cat/1.png": data, "dog/2.png": picture()}))

    frame = canonical_frame(data, 64)
    assert (frame.min(), frame.max()) == (0, 255)
    (note,) = [note for note in result.notes if note.code == "scaled_depth"]
    assert (note.count, note.names) == (1, ("cat/1.png",))
    assert f"{bits} bits" in note.detail


def test_gray_of_sixteen_bits_is_nothing_unusual():
    assert look(gray16(65535), WIDE).remarks == ()
    assert canonical_frame(gray16(65535), 64).max() == 255


def color16(largest: int) -> bytes:
    """A PNG of 16-bit color, which Pillow does not write."""
    values = np.random.default_rng(0).integers(0, largest + 1, (8, 8, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">L", zlib.crc32(kind + body))
        return struct.pack(">L", len(body)) + kind + body + check

    header = chunk(b"IHDR", struct.pack(">2L5B", 8, 8, 16, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


def test_color_that_would_lose_its_depth_is_refused():
    with pytest.raises(ImageProblemError) as caught:
        look(color16(4095), WIDE)

    assert caught.value.code == "lost_depth"
    assert look(color16(65535), WIDE).width == 8


@pytest.mark.parametrize("sides", [(8000, 6000), (15000, 15000)])
def test_a_photo_with_too_many_pixels_names_the_setting(sides):
    data = bytearray(picture())
    data[16:24] = struct.pack(">2L", *sides)
    data[29:33] = struct.pack(">L", zlib.crc32(data[12:29]))

    for refuse in (
        lambda: look(bytes(data), WIDE),
        lambda: checked_frame(bytes(data), 8, bytes_limit=10**6, pixels_limit=10**6),
    ):
        with pytest.raises(ImageProblemError, match="ZOO_MAX_IMAGE_PIXELS") as caught:
            refuse()
        assert f"{sides[0]}x{sides[1]}" in caught.value.detail


def test_a_file_with_too_many_bytes_names_the_setting():
    with pytest.raises(ImageProblemError, match="ZOO_MAX_IMAGE_BYTES"):
        look(encoded(noise(300, 300), "PNG"), LIMITS)


def test_avif_is_decoded():
    image = look(encoded(noise(48, 40), "AVIF"), WIDE)

    assert (image.media_type, image.width, image.height) == ("image/avif", 40, 48)


def test_heic_is_decoded_where_the_library_is():
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()

    image = look(encoded(noise(48, 40), "HEIF"), WIDE)

    assert (image.media_type, image.width, image.height) == ("image/heif", 40, 48)


def test_heic_without_the_library_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)

    with pytest.raises(ImageProblemError) as caught:
        look(b"\0\0\0\x18ftypheic" + bytes(100), WIDE)

    assert caught.value.code == "decoder_missing"
    assert "zooscope[heif]" in caught.value.remedy


def test_a_transparent_shade_of_sixteen_bit_gray_is_white():
    gray = np.full((8, 8), 30_000, np.uint16)
    data = encoded(Image.fromarray(gray), "PNG")
    key = struct.pack(">H", 30_000)
    chunk = struct.pack(">I", 2) + b"tRNS" + key + struct.pack(">I", zlib.crc32(b"tRNS" + key))
    at = data.index(b"IDAT") - 4

    assert canonical_frame(data[:at] + chunk + data[at:], 8).min() == 255


def test_an_animated_image_says_what_to_save(taken_in):
    data = encoded(noise(8, 8), "WEBP", save_all=True, append_images=[noise(8, 8, seed=1)])

    result = taken_in(zipped({"cat/1.webp": data, "dog/2.png": picture()}))

    assert "save one frame" in result.problems[1].remedy


@pytest.mark.parametrize("name", ["1.tga", "1.svg", "1.ppm", "1.tif"])
def test_an_image_of_an_unknown_format_is_refused_with_the_way_out(taken_in, name: str):
    files = {f"cat/{name}": b"II+\0" if name == "1.tif" else b"P3 2 2", "dog/2.png": picture()}

    result = taken_in(zipped(files))

    assert result.problems[1].name == f"cat/{name}"
    assert "convert it to PNG or JPEG" in result.problems[1].remedy


NAMED = {"GIF": b"GIF89a", "TIFF": b"II*\0", "JPEG 2000": b"\0\0\0\x0cjP  ", "ICO": b"\0\0\1\0"}


@pytest.mark.parametrize("name", NAMED)
def test_a_format_that_is_not_read_is_named(taken_in, name: str):
    result = taken_in(zipped({"cat/1.jpg": NAMED[name] + bytes(30), "dog/2.png": picture()}))

    assert reasons(result) == [("", "images_refused"), ("cat/1.jpg", "image_refused")]
    assert name in result.problems[1].detail


def test_exact_copies_are_counted(taken_in):
    same = picture(shade=7)
    files = {"cat/1.png": same, "cat/2.png": same, "dog/1.png": same, "dog/2.png": picture()}

    notes = notes_of(taken_in(zipped(files)))

    assert notes["duplicates"] == 2
    assert notes["contradicting_duplicates"] == 1
