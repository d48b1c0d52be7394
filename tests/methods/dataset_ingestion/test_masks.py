"""Masks become the class of every pixel, beside the canonical frames, or are refused by name."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from tests.methods.dataset_ingestion.uploads import notes_of, picture, reasons, zipped


def mask(values: list[int], mode: str = "L", *, size: tuple[int, int] = (20, 10)) -> bytes:
    """A mask of vertical stripes of the values."""
    width, height = size
    row = np.repeat(values, width // len(values))
    file = io.BytesIO()
    image = Image.fromarray(np.tile(row, (height, 1)).astype(np.uint8))
    if mode == "P":
        image.putpalette([shade for value in range(256) for shade in (value, 0, 0)])
    else:
        image = image.convert(mode)
    image.save(file, "PNG")
    return file.getvalue()


IMAGES = {"images/a.png": picture(shade=1), "images/b.png": picture(shade=2)}
LAYOUTS = {
    "two folders": ("images/{}.png", "masks/{}.png"),
    "in a folder": ("set/JPEGImages/{}.png", "set/SegmentationClass/{}.png"),
    "endings": ("{}.png", "{}_mask.png"),
    "endings in two folders": ("images/{}.png", "annotations/{}_seg.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("mode", ["L", "P"])
def test_masks_are_found_and_resized_with_their_images(taken_in, layout: str, mode: str):
    image, of_mask = LAYOUTS[layout]
    files = {
        image.format("a"): picture(shade=1), of_mask.format("a"): mask([0, 0, 1, 255], mode),
        image.format("b"): picture(shade=2), of_mask.format("b"): mask([2, 1, 1, 0], mode),
    }  # fmt: skip

    result = taken_in(zipped(files), layout="masks")

    assert result.problems == ()
    masks = np.load(result.masks_file)
    assert (masks.shape, masks.dtype, result.labels) == ((2, 10, 10), np.uint8, ("0", "1", "2"))
    assert masks[0, 0].tolist() == [0] * 5 + [1] * 5
    assert [entry.label for entry in result.images] == [None, None]


def test_classes_may_have_names(taken_in):
    files = {**IMAGES, "masks/a.png": mask([0, 1]), "masks/b.png": mask([1, 0])}

    assert taken_in(zipped(files), layout="masks", labels=["sky", "sea"]).labels == ("sky", "sea")
    refused = taken_in(zipped(files), layout="masks", labels=["sky"])
    assert reasons(refused)[1:] == [
        ("images/a.png", "unknown_label"),
        ("images/b.png", "unknown_label"),
    ]


def test_black_and_white_masks_have_two_classes(taken_in):
    files = {**IMAGES, "masks/a.png": mask([0, 255]), "masks/b.png": mask([0, 255], "1")}

    result = taken_in(zipped(files), layout="masks")

    assert result.labels == ("0", "1")
    assert set(np.unique(np.load(result.masks_file)).tolist()) == {0, 1}


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_the_mask_of_each_image_is_kept_in_its_size_as_indices_with_colors(taken_in, mode: str):
    values = [0, 255] if mode == "1" else [2, 255]
    files = {**IMAGES, "masks/a.png": mask([0, 1], "L"), "masks/b.png": mask(values, mode)}
    if mode == "1":
        files["masks/a.png"] = mask([255, 0], "L")

    result = taken_in(zipped(files), layout="masks")

    position = result.images[1].mask
    data = result.packed_file.read_bytes()[position.start : position.start + position.length]
    picture = Image.open(io.BytesIO(data))
    expected = [0, 1] if mode == "1" else values
    assert (picture.mode, picture.size) == ("P", (20, 10))
    assert np.asarray(picture)[0].tolist() == [value for value in expected for _ in range(10)]
    colors = np.asarray(picture.convert("RGB"))
    assert not np.array_equal(colors[0, 0], colors[0, -1])
    assert hashlib.sha256(data).hexdigest() == position.sha256


def test_images_without_masks_have_none(taken_in):
    assert [image.mask for image in taken_in(zipped(IMAGES), layout="flat").images] == [None, None]


def jpeg_mask() -> bytes:
    file = io.BytesIO()
    Image.new("L", (20, 10)).save(file, "JPEG")
    return file.getvalue()


BAD = {
    "another size": (mask([0, 1], size=(10, 10)), "mask_size"),
    "colors": (mask([0, 1], "RGB"), "mask_colors"),
    "changed by compression": (jpeg_mask(), "mask_form"),
    "no image": (b"hello", "image_refused"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_mask_of_its_image_is_refused_by_name(taken_in, kind: str):
    data, code = BAD[kind]
    files = {**IMAGES, "masks/a.png": data, "masks/b.png": mask([0, 1])}

    refused = taken_in(zipped(files), layout="masks")
    accepted = taken_in(zipped(files), layout="masks", on_error="skip")

    assert reasons(refused) == [("", "images_refused"), ("images/a.png", code)]
    assert "masks/a.png" in refused.problems[1].detail
    assert refused.problems[1].remedy
    assert np.load(accepted.masks_file).shape[0] == len(accepted.images) == 1


def test_images_without_mask_and_masks_without_image_are_named(taken_in):
    files = {**IMAGES, "masks/a.png": mask([0, 1]), "masks/c.png": mask([0, 1])}

    assert reasons(taken_in(zipped(files), layout="masks"))[1:] == [
        ("images/b.png", "no_mask"), ("masks/c.png", "missing_image"),
    ]  # fmt: skip


def test_masks_decide_the_hash_of_a_set(taken_in):
    def sha256(values: list[int]) -> str:
        files = {**IMAGES, "masks/a.png": mask(values), "masks/b.png": mask([1, 0])}
        return taken_in(zipped(files), layout="masks").manifest_sha256

    assert sha256([0, 1]) == sha256([0, 1]) != sha256([1, 0])


def test_a_set_of_masks_has_labels_and_says_nothing_of_missing_ones(taken_in):
    files = {**IMAGES, "masks/a.png": mask([0, 1]), "masks/b.png": mask([1, 0])}

    assert notes_of(taken_in(zipped(files), layout="masks")) == {}
