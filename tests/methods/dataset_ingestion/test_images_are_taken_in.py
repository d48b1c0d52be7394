"""A set of images is read whole, each image named and bounded, or refused with reasons."""

import io
import json
import os
import re
import struct
import tarfile
import zipfile
import zlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from tests.methods.dataset_ingestion.uploads import (
    LIMITS,
    legacy_zip,
    notes_of,
    picture,
    reasons,
    tarred,
    tree,
    zipped,
)
from workers.methods.dataset_ingestion.images import canonical_frame, look

OWLS = {"barn/1.png": picture(shade=1), "eagle/2.jpg": picture("JPEG"), "barn/0.webp": picture("WEBP")}  # fmt: skip


def test_folders_are_labels_and_names_decide_the_order(taken_in):
    result = taken_in(zipped(OWLS))

    assert [(i.name, i.label) for i in result.images] == [
        ("barn/0.webp", "barn"), ("barn/1.png", "barn"), ("eagle/2.jpg", "eagle"),
    ]  # fmt: skip
    assert result.labels == ("barn", "eagle")
    assert [i.media_type for i in result.images] == ["image/webp", "image/png", "image/jpeg"]


def test_every_image_can_be_cut_out_of_the_packed_file(taken_in):
    result = taken_in(zipped(OWLS))

    packed = result.packed_file.read_bytes()
    for image in result.images:
        assert packed[image.start : image.start + image.length] == OWLS[image.name]


def test_zip_and_tar_of_the_same_images_have_the_same_hash(taken_in):
    first = taken_in(zipped(OWLS))
    second = taken_in(tarred(dict(reversed(OWLS.items()))))
    other = taken_in(zipped({**OWLS, "barn/1.png": picture(shade=2)}))

    assert first.manifest_sha256 == second.manifest_sha256
    assert first.manifest_sha256 != other.manifest_sha256


def test_canonical_frames_are_the_center_squares_at_the_median_side(taken_in):
    result = taken_in(zipped(OWLS))

    frames = np.load(result.canonical_file)
    assert (result.canonical_side, frames.shape, frames.dtype) == (10, (3, 10, 10, 3), np.uint8)
    assert (frames[1] == [1, 0, 254]).all()


def test_a_set_too_large_for_probes_has_no_canonical_frames(taken_in):
    many = {f"a/{i}.png": picture(shade=i) for i in range(21)}

    assert taken_in(zipped(many)).canonical_file is None


def test_a_flat_set_has_no_labels(taken_in):
    assert taken_in(zipped(OWLS), layout="flat").labels is None
    assert taken_in(zipped({"1.png": picture()})).labels is None


def test_the_manifest_fixes_the_order_of_labels(taken_in):
    assert taken_in(zipped(OWLS), labels=["eagle", "barn"]).labels == ("eagle", "barn")
    refused = taken_in(zipped(OWLS), labels=["eagle"])
    assert reasons(refused)[1:] == [
        ("barn/0.webp", "unknown_label"), ("barn/1.png", "unknown_label"),
    ]  # fmt: skip


def test_numbered_labels_are_in_the_order_of_numbers(taken_in):
    files = {f"{label}/x.png": picture(shade=label) for label in (10, 2, 1)}

    assert taken_in(zipped(files)).labels == ("1", "2", "10")


def test_leftovers_of_packing_tools_are_passed_over(taken_in):
    files = {**OWLS, "__MACOSX/barn/._1.png": b"x", ".DS_Store": b"x", "barn/Thumbs.db": b"x"}

    result = taken_in(zipped(files))

    assert len(result.images) == 3
    assert notes_of(result)["hidden_files"] == 3


def bomb_header() -> bytes:
    """A PNG of 50 000 x 50 000 pixels that is a few bytes long."""
    return sized(50_000, 50_000)


def sized(width: int, height: int) -> bytes:
    """A PNG whose header claims a size."""
    data = bytearray(picture())
    data[16:24] = struct.pack(">II", width, height)
    return bytes(data)


def animated() -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), shade) for shade in ("red", "blue")]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    return file.getvalue()


BAD = {
    "text": b"hello",
    "nothing": b"",
    "gif": b"GIF89a" + bytes(20),
    "svg": b"<svg/>",
    "too many pixels": bomb_header(),
    "no pixels": sized(0, 0),
    "cut short": picture("JPEG", size=(90, 90))[:-200],
    "animated": animated(),
    "archive": zipped({"a.png": b"x"}),
    "too many bytes": picture() + bytes(200_000),
    "damaged": picture()[:45] + b"\xff" * 30,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_image_is_named_and_the_set_refused(taken_in, kind: str):
    result = taken_in(zipped({**OWLS, "barn/bad.png": BAD[kind]}))

    assert result.packed_file is None
    assert reasons(result) == [("", "images_refused"), ("barn/bad.png", "image_refused")]
    assert result.problems[0].detail.startswith("1 of 4 images cannot be used")
    assert "barn/bad.png" in result.problems[0].detail
    assert "--on-error skip" in result.problems[0].remedy
    assert "object at" not in result.problems[1].detail


def test_bad_images_are_left_out_when_the_client_asked_for_that(taken_in):
    result = taken_in(zipped({**OWLS, "barn/bad.png": b"hello"}), on_error="skip")

    assert len(result.images) == 3
    assert reasons(result) == [("", "images_skipped"), ("barn/bad.png", "image_refused")]


def linked_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("barn/1.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def linked_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("barn/1.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return buffer.getvalue()


WHOLE = {
    "not an archive": (b"hello", "unknown_form"),
    "empty file": (b"", "unknown_form"),
    "broken zip": (zipped(OWLS)[:60], "broken_archive"),
    "broken tar": (tarred(OWLS)[:100], "broken_archive"),
    "broken parquet": (b"PAR1" + bytes(100), "broken_parquet"),
    "ratio": (zipped({"a/1.png": bytes(19 * 1024**2)}), "too_large"),
    "too many": (zipped({f"a/{i}.png": picture() for i in range(51)}), "too_many_images"),
    "no images": (zipped({}), "no_images"),
}


UNSAFE = {
    "escaping zip": (zipped({"../../etc/x.png": picture()}), "invalid_name"),
    "absolute tar": (tarred({"/etc/x.png": picture()}), "invalid_name"),
    "backslash": (zipped({"a\\..\\x.png": picture()}), "invalid_name"),
    "drive": (zipped({"C:\\pets\\x.png": picture()}), "invalid_name"),
    "link in zip": (linked_zip(), "link"),
    "link in tar": (linked_tar(), "link"),
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_a_member_that_leads_elsewhere_is_named_and_never_read(taken_in, kind: str):
    upload, code = UNSAFE[kind]

    result = taken_in(upload)

    assert result.packed_file is None
    assert [code for _, code in reasons(result)] == ["images_refused", code]
    assert result.problems[1].name


@pytest.mark.parametrize("kind", WHOLE)
def test_a_bad_archive_is_refused_as_a_whole(taken_in, kind: str):
    upload, code = WHOLE[kind]

    result = taken_in(upload)

    assert result.packed_file is None
    assert reasons(result) == [("", code)]
    assert result.problems[0].remedy


def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused(taken_in):
    limits = replace(LIMITS, image_bytes=10**8, image_pixels=10**6, total_bytes=10**9)

    result = taken_in(zipped({"a/1.png": bytes(19 * 1024**2)}), limits=limits)

    assert reasons(result) == [("", "ratio")]


def parquet_of(labels: list[object], *, names: list[str] | None = None) -> bytes:
    images = [{"bytes": picture(shade=i), "path": "x.png"} for i in range(len(labels))]
    table = pa.table({"image": images, "label": labels})
    if names is not None:
        features = {"label": {"_type": "ClassLabel", "names": names}}
        described = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": described})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def test_parquet_rows_are_images_with_the_labels_their_metadata_name(taken_in):
    result = taken_in(parquet_of([1, 0, -1], names=["barn", "eagle"]), on_error="skip")

    assert [(i.name, i.label) for i in result.images] == [("000000", "eagle"), ("000001", "barn")]
    assert reasons(result)[1:] == [("000002", "no_label")]


def test_parquet_labels_may_be_text_and_rows_may_lack_an_image(taken_in):
    assert taken_in(parquet_of(["owl", "hen"])).labels == ("hen", "owl")
    table = pa.table({"image": pa.array([None], pa.struct([("bytes", pa.binary())]))})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    assert reasons(taken_in(buffer.getvalue()))[1] == ("000000", "image_refused")


def test_a_photograph_taken_upright_is_looked_at_upright():
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10), "red").save(file, "JPEG", exif=exif)

    image = look(file.getvalue(), LIMITS)

    assert (image.width, image.height) == (10, 20)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_every_kind_of_pixel_becomes_rgb(mode: str):
    file = io.BytesIO()
    Image.new("L", (8, 8), 255).convert("I;16" if mode == "I;16" else mode).save(file, "PNG")

    frame = canonical_frame(file.getvalue(), 8)

    assert frame.shape == (8, 8, 3)
    assert (frame == frame[0, 0]).all()


def test_sixteen_bit_gray_is_scaled_not_clipped():
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8), 32768, dtype=np.uint16)).save(file, "PNG")

    assert (canonical_frame(file.getvalue(), 8) == 128).all()


def unicode_field(legacy: bytes, name: str) -> bytes:
    body = b"\1" + zlib.crc32(legacy).to_bytes(4, "little") + name.encode()
    return struct.pack("<2H", 0x7075, len(body)) + body


LABELS = {
    "flagged as UTF-8": zipped({"café/1.png": picture()}),
    "UTF-8 without the flag": legacy_zip({"café/1.png".encode(): picture()}),
    "code page 437": legacy_zip({"café/1.png".encode("cp437"): picture()}),
    "decomposed": zipped({"cafe\u0301/1.png": picture()}),
    "the field of Info-ZIP": legacy_zip(
        {b"caf\xe9/1.png": picture()}, extra=unicode_field(b"caf\xe9/1.png", "café/1.png")
    ),
    "a field of another name": legacy_zip(
        {"café/1.png".encode("cp437"): picture()}, extra=unicode_field(b"other", "hen/1.png")
    ),
    "tar": tarred({"cafe\u0301/1.png": picture()}),
}


@pytest.mark.parametrize("case", LABELS)
def test_a_folder_of_any_language_is_a_label(taken_in, case: str):
    result = taken_in(LABELS[case], labels=["cafe\u0301"])

    assert [(image.name, image.label) for image in result.images] == [("café/1.png", "café")]
    assert result.labels == ("café",)


@pytest.mark.parametrize(
    "name", ["a\nb/1.png", "a\x9b/1.png", "gnp\u202e.exe", "a\u2028b.png"], ids=ascii
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_with_control_characters_are_refused(taken_in, pack, name: str):
    result = taken_in(pack({name: picture()}))

    assert [code for _, code in reasons(result)] == ["images_refused", "invalid_name"]
    assert result.problems[1].name.isascii()


def test_a_tar_name_that_is_not_utf8_is_refused(taken_in):
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, encoding="latin-1"
    ) as tar:
        info = tarfile.TarInfo("café/1.png")
        info.size = len(picture())
        tar.addfile(info, io.BytesIO(picture()))

    assert [code for _, code in reasons(taken_in(buffer.getvalue()))][1:] == ["invalid_name"]
    named = taken_in(buffer.getvalue(), encoding="cp1252")
    assert named.labels == ("café",)


def test_a_long_list_of_problems_is_cut_with_the_count_of_the_rest(taken_in):
    broken = {f"a/{n:05d}.png": b"no image" for n in range(1100)}

    result = taken_in(zipped(broken), limits=replace(LIMITS, images=2000))

    assert len(result.problems) == 1002
    assert result.problems[-1].code == "more_problems"
    assert "100 more" in result.problems[-1].detail


def test_a_damaged_zip_is_named_with_what_to_do(taken_in):
    (problem,) = taken_in(zipped(OWLS)[:-30]).problems

    assert problem.detail.startswith("owls.zip: the zip of ")
    assert "table of contents" in problem.detail
    assert "unzip -t" in problem.remedy
    assert "--on-error skip" in problem.remedy


def test_a_damaged_tar_says_how_far_it_can_be_read(taken_in):
    upload = tarred({f"barn/{number}.png": os.urandom(4000) for number in range(9)})

    (problem,) = taken_in(upload[: len(upload) // 2]).problems

    assert problem.detail.startswith("owls.zip: the tar of ")
    assert re.search(r"breaks off after [1-8] files? ", problem.detail)
    assert "tar -tf" in problem.remedy


def test_a_damaged_member_is_named_counted_and_can_be_skipped(taken_in):
    upload = bytearray(zipped(tree("barn", "wood")))
    start = upload.index(b"wood/1.png") + 12
    upload[start : start + 20] = b"x" * 20

    summary, problem = taken_in(bytes(upload)).problems

    assert (problem.name, problem.code) == ("wood/1.png", "image_refused")
    assert summary.detail.startswith("1 of 4 images cannot be used; the first is wood/1.png")
    assert "undamaged copy" in summary.remedy
    assert "--on-error skip" in summary.remedy
    assert len(taken_in(bytes(upload), on_error="skip").images) == 3


def test_classes_missing_in_the_manifest_are_named_with_their_numbers(taken_in):
    result = taken_in(zipped(tree("barn", "wood", "zoo")), labels=["barn"])

    summary, problem = result.problems[:2]
    assert summary.detail.startswith("4 of 6 images cannot be used; the first is wood/0.png")
    assert "'wood' is not among the labels of the manifest or the file: barn" in problem.detail
    assert "(`--label`)" in summary.remedy
    assert "wood (2), zoo (2)" in summary.remedy
    assert "omit `labels`" in summary.remedy
    assert "--on-error skip" in summary.remedy
