"""A stylizer takes its styles with the request, and says what does not suit it."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.container import Zoo
from service.core.ids import IdKind, new_id
from service.core.tables import DatasetRecord, ImageRecord, ModelRecord
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire
from tests.methods.dynamic_instance_normalization.ready_stylizer import HEAD, SmallStylizer
from tests.predictions.every_api import EveryApi
from tests.predictions.test_predictions import Classifier, a_network, a_picture
from tests.rest.served import a_dataset, stored
from tests.rpc.channels import refusal
from zooscope import Styles, ZooClientError

RED, BLUE = a_picture("#c03020"), a_picture("#2030c0")


@pytest.fixture(scope="module")
def stylizer(apis: EveryApi) -> str:
    return a_stylizer(apis.zoo, apis.folder)


@pytest.fixture(scope="module")
def classifier(apis: EveryApi) -> str:
    return a_network(apis.zoo, Classifier(), apis.folder, task_kind="classification")


def a_stylizer(zoo: Zoo, folder: Path) -> str:
    """The id of a stored stylizer."""
    model = a_network(zoo, SmallStylizer(), folder, task_kind="stylization")
    with zoo.transaction() as session:
        record = session.get_one(ModelRecord, model)
        manifest = {**record.manifest, "stylizer": HEAD.model_dump(mode="json")}
        del manifest["classes"]
        record.manifest = manifest
        record.feature_layer = "content.encoder"
    return model


def a_photo(height: int = 40, width: int = 56, *, mode: str = "RGB", seed: int = 0) -> bytes:
    """Noise that grows brighter to the right."""
    generator = np.random.default_rng(seed)
    planes = len(mode)
    ramp = np.linspace(0.3, 1, width)[None, :, None]
    pixels = (generator.integers(0, 256, (height, width, planes)) * ramp).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "PNG")
    return file.getvalue()


def a_mask(left: int, right: int, height: int = 40, width: int = 56) -> bytes:
    """Two halves of gray."""
    pixels = np.full((height, width), left, dtype=np.uint8)
    pixels[:, width // 2 :] = right
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pixels_of(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data)), dtype=np.int64)


def ask(
    apis: EveryApi,
    model: str,
    *,
    images: list[bytes],
    styles: list[bytes] = [],  # noqa: B006 - never changed
    masks: list[bytes] = [],  # noqa: B006 - never changed
    **query: Any,
) -> httpx.Response:
    named = {"images": images, "styles": styles, "masks": masks}
    files = [
        (name, (f"{name}{index}.png", data))
        for name, group in named.items()
        for index, data in enumerate(group)
    ]
    return apis.rest.post(f"/v1/models/{model}:predict", params=query, files=files)


def painted(apis: EveryApi, model: str, **request: Any) -> np.ndarray[Any, Any]:
    """The pixels of the one picture of an answer."""
    answer = ask(apis, model, **{"images": [a_photo()], "styles": [RED], **request})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"image/{request.get('format', 'png')}"
    return pixels_of(answer.content)


def test_every_content_is_painted_in_every_style(apis: EveryApi, stylizer: str) -> None:
    photos = [a_photo(), a_photo(24, 32, seed=1)]

    answer = ask(apis, stylizer, images=photos, styles=[RED, BLUE])

    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["0.png", "1.png", "2.png", "3.png"]
        pictures = [pixels_of(archive.read(name)) for name in archive.namelist()]
    assert [picture.shape for picture in pictures] == [(40, 56, 3)] * 2 + [(24, 32, 3)] * 2
    assert np.abs(pictures[0] - pictures[1]).mean() > 2
    assert np.array_equal(pictures[0], painted(apis, stylizer))


def test_strength_0_returns_the_pixels_and_more_changes_more(
    apis: EveryApi, stylizer: str
) -> None:
    original = pixels_of(a_photo())
    distances = [
        np.abs(painted(apis, stylizer, strength=strength) - original).mean()
        for strength in (0, 0.02, 0.25, 1)
    ]

    assert distances[0] == 0
    assert 0 < distances[1] < 0.2 * distances[2]


def test_transparency_is_kept_and_strength_0_returns_it_too(apis: EveryApi, stylizer: str) -> None:
    photo = a_photo(mode="RGBA")

    result = painted(apis, stylizer, images=[photo])

    assert np.array_equal(result[..., 3], pixels_of(photo)[..., 3])
    same = painted(apis, stylizer, images=[photo], strength=0)
    assert np.array_equal(same, pixels_of(photo))


def test_the_same_seed_gives_the_same_bytes_and_another_another_grain(
    apis: EveryApi, stylizer: str
) -> None:
    grain = {"uniform_strokes": 1, "images": [a_photo()], "styles": [RED]}
    first, again, other = (ask(apis, stylizer, **grain, seed=seed).content for seed in (1, 1, 2))

    assert first == again
    assert first != other
    assert not np.array_equal(pixels_of(first), painted(apis, stylizer))


def test_weights_mix_styles_into_one_picture(apis: EveryApi, stylizer: str) -> None:
    both = [RED, BLUE]

    first = painted(apis, stylizer, styles=both, style_weights=[2, 0])
    mixed = painted(apis, stylizer, styles=both, style_weights=[0.5, 0.5])

    assert np.array_equal(first, painted(apis, stylizer))
    assert not np.array_equal(mixed, first)
    assert not np.array_equal(mixed, painted(apis, stylizer, styles=[BLUE]))


def test_masks_give_each_region_its_style(apis: EveryApi, stylizer: str) -> None:
    only = painted(apis, stylizer, masks=[a_mask(255, 255)])
    halves = painted(apis, stylizer, styles=[RED, BLUE], masks=[a_mask(255, 0), a_mask(0, 255)])
    one_half = painted(apis, stylizer, masks=[a_mask(0, 255)])
    nothing = painted(apis, stylizer, masks=[a_mask(0, 0)])

    red, original = painted(apis, stylizer), pixels_of(a_photo())
    assert np.abs(only - red).max() <= 1
    assert (
        np.abs(halves[:, :10] - red[:, :10]).mean() < np.abs(halves[:, -10:] - red[:, -10:]).mean()
    )
    assert np.array_equal(one_half[:, :20], original[:, :20])
    assert np.array_equal(nothing, original)


def test_preserved_color_takes_only_the_luma(apis: EveryApi, stylizer: str) -> None:
    gray = io.BytesIO()
    Image.open(io.BytesIO(a_photo())).convert("L").save(gray, "PNG")

    result = painted(apis, stylizer, images=[gray.getvalue()], preserve_color="chroma")

    assert np.ptp(result, axis=2).max() <= 1


def test_strokes_formats_and_sizes(apis: EveryApi, stylizer: str) -> None:
    plain = painted(apis, stylizer)

    assert not np.array_equal(painted(apis, stylizer, stroke=2.5), plain)
    assert painted(apis, stylizer, format="jpeg").shape == plain.shape
    assert painted(apis, stylizer, max_side=28).shape == (20, 28, 3)
    assert painted(apis, stylizer, images=[a_photo(9, 530)]).shape == (9, 530, 3)


def test_a_stroke_map_says_where_strokes_are_wide(
    apis: EveryApi, stylizer: str, tmp_path: Path
) -> None:
    (tmp_path / "photo.png").write_bytes(a_photo())
    (tmp_path / "red.png").write_bytes(RED)
    (tmp_path / "map.png").write_bytes(a_mask(0, 255))
    grain = {"stroke": 3, "uniform_strokes": 1}
    files = [
        ("images", ("photo.png", a_photo())),
        ("styles", ("red.png", RED)),
        ("stroke_map", ("map.png", a_mask(0, 255))),
    ]

    over_rest = apis.rest.post(f"/v1/models/{stylizer}:predict", params=grain, files=files)
    over_grpc = apis.stubs.models.Predict(
        wire.PredictRequest(
            id=stylizer, images=[a_photo()], styles=[RED], stroke_map=a_mask(0, 255), **grain
        )
    )
    paths = [tmp_path / name for name in ("photo.png", "red.png", "map.png")]
    styles = Styles(files=[paths[1]], stroke_map=paths[2], stroke=3, uniform_strokes=1)
    from_client = apis.client.models.predict(stylizer, [paths[0]], styles=styles)
    words = ["predict", stylizer, str(paths[0]), "--style", str(paths[1]), "--stroke", "3"]
    words += ["--stroke-map", str(paths[2]), "--uniform-strokes", "1", "--out", str(tmp_path)]
    (printed,) = apis.shell.json(*words)["paths"]

    pictures = [over_rest.content, *over_grpc.pictures.png, *from_client.pictures]
    assert over_rest.status_code == 200, over_rest.text
    assert pictures == [Path(printed).read_bytes()] * 3
    assert not np.array_equal(pixels_of(over_rest.content), painted(apis, stylizer, **grain))


def test_a_white_stroke_map_is_no_map(apis: EveryApi, stylizer: str) -> None:
    files = [
        ("images", ("photo.png", a_photo())),
        ("styles", ("red.png", RED)),
        ("stroke_map", ("map.png", a_mask(255, 255))),
    ]

    answer = apis.rest.post(f"/v1/models/{stylizer}:predict?stroke=2", files=files)

    assert np.abs(pixels_of(answer.content) - painted(apis, stylizer, stroke=2)).max() <= 1


def test_a_stroke_map_that_does_not_suit_is_refused_with_its_field(
    apis: EveryApi, stylizer: str, classifier: str
) -> None:
    cases: list[tuple[str, list[bytes], str, str | None]] = [
        (stylizer, [a_mask(0, 0, 40, 40)], "mask_shape_differs", "/stroke_map"),
        (stylizer, [b"no image"], "image_unreadable", "/stroke_map"),
        (stylizer, [a_mask(0, 0)] * 2, "too_many_stroke_maps", None),
        (classifier, [a_mask(0, 0)], "styles_not_taken", "/styles"),
    ]
    for model, maps, code, pointer in cases:
        parts = [("images", ("photo.png", a_photo()))]
        parts += [("styles", ("red.png", RED))] if model == stylizer else []
        parts += [("stroke_map", ("map.png", data)) for data in maps]

        answer = apis.rest.post(f"/v1/models/{model}:predict", files=parts)

        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        errors = answer.json().get("errors", [{"pointer": None}])
        assert errors[0]["pointer"] == pointer


def test_features_need_no_style(apis: EveryApi, stylizer: str) -> None:
    answer = ask(apis, stylizer, images=[a_photo()], output="features")

    assert answer.headers["content-type"] == "application/x-npy", answer.text


def test_every_api_paints_the_same_picture(apis: EveryApi, stylizer: str) -> None:
    files = {"photo": a_photo(), "red": RED, "blue": BLUE}
    folder = apis.folder / new_id(IdKind.UPLOAD)
    folder.mkdir()
    paths = {name: folder / f"{name}.png" for name in files}
    for name, path in paths.items():
        path.write_bytes(files[name])
    styles = [paths["red"], paths["blue"]]
    expected = ask(
        apis, stylizer, images=[a_photo()], styles=[RED, BLUE], strength=0.5, stroke=2
    ).content

    over_grpc = apis.stubs.models.Predict(
        wire.PredictRequest(
            id=stylizer, images=[a_photo()], styles=[RED, BLUE], strength=0.5, stroke=2
        )
    )
    from_client = apis.client.models.predict(
        stylizer, [paths["photo"]], styles=Styles(files=styles, strength=0.5, stroke=2)
    )
    words = ["predict", stylizer, str(paths["photo"]), "--style", str(styles[0])]
    words += [
        "--style",
        str(styles[1]),
        "--strength",
        "0.5",
        "--stroke",
        "2",
        "--out",
        str(folder),
    ]
    printed = apis.shell.json(*words)

    with zipfile.ZipFile(io.BytesIO(expected)) as archive:
        pictures = [archive.read(name) for name in archive.namelist()]
    assert list(over_grpc.pictures.png) == pictures
    assert from_client.pictures == pictures
    names = [folder / "photo.red.png", folder / "photo.blue.png"]
    assert printed["paths"] == [str(name) for name in names]
    assert [name.read_bytes() for name in names] == pictures


def a_gallery(apis: EveryApi, pictures: list[bytes]) -> str:
    """The id of a stored dataset of these pictures."""
    with apis.zoo.transaction() as session:
        packed = stored(apis.zoo, b"".join(pictures))
        dataset = a_dataset(
            apis.zoo,
            session,
            id=new_id(IdKind.DATASET),
            images=len(pictures),
            packed_sha256=packed,
        )
        session.query(ImageRecord).filter_by(dataset_id=dataset.id).delete()
        starts = [sum(map(len, pictures[:index])) for index in range(len(pictures))]
        session.add_all(
            ImageRecord(
                dataset_id=dataset.id,
                position=index,
                name=f"{index}.png",
                sha256=hashlib.sha256(picture).hexdigest(),
                media_type="image/png",
                start=start,
                length=len(picture),
                width=8,
                height=8,
            )
            for index, (start, picture) in enumerate(zip(starts, pictures, strict=True))
        )
        return dataset.id


@pytest.fixture(scope="module")
def gallery(apis: EveryApi) -> str:
    return a_gallery(apis, [RED, BLUE])


def test_styles_of_a_dataset_paint_like_sent_ones(
    apis: EveryApi, stylizer: str, gallery: str
) -> None:
    sent = ask(apis, stylizer, images=[a_photo()], styles=[RED, BLUE])

    every = ask(apis, stylizer, images=[a_photo()], style_dataset=gallery)

    with (
        zipfile.ZipFile(io.BytesIO(sent.content)) as expected,
        zipfile.ZipFile(io.BytesIO(every.content)) as archive,
    ):
        assert archive.namelist() == ["0.png", "1.png"]
        assert [archive.read(name) for name in archive.namelist()] == [
            expected.read(name) for name in expected.namelist()
        ]


def test_every_api_chooses_styles_of_a_dataset(
    apis: EveryApi, stylizer: str, gallery: str, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(a_photo())
    expected = ask(apis, stylizer, images=[a_photo()], styles=[BLUE]).content

    over_rest = ask(apis, stylizer, images=[a_photo()], style_dataset=gallery, style_images=[1])
    over_grpc = apis.stubs.models.Predict(
        wire.PredictRequest(
            id=stylizer, images=[a_photo()], style_dataset=gallery, style_images=[1]
        )
    )
    from_client = apis.client.models.predict(
        stylizer, [photo], styles=Styles(dataset_id=gallery, positions=[1])
    )
    words = ["predict", stylizer, str(photo), "--style-dataset", gallery, "--out", str(tmp_path)]
    chosen = apis.shell.json(*words, "--style-image", "1")
    every = apis.shell.json(*words)

    assert over_rest.content == expected
    assert list(over_grpc.pictures.png) == [expected]
    assert from_client.pictures == [expected]
    assert chosen["paths"] == [str(tmp_path / "photo.prediction.png")]
    assert (tmp_path / "photo.prediction.png").read_bytes() == expected
    names = [f"photo.style{position}.png" for position in (0, 1)]
    assert every["paths"] == [str(tmp_path / name) for name in names]


def test_stored_styles_that_do_not_suit_are_refused_with_their_field(
    apis: EveryApi, stylizer: str, classifier: str, gallery: str
) -> None:
    large = a_gallery(apis, [RED] * 17)
    stored_styles: dict[str, Any] = {"styles": [], "style_dataset": gallery}
    cases: list[tuple[str, dict[str, Any], int, str, str]] = [
        (stylizer, {"style_dataset": gallery}, 422, "styles_ambiguous", "style_dataset"),
        (stylizer, {"style_images": [0]}, 422, "styles_missing", "style_images"),
        (stylizer, stored_styles | {"style_images": [2]}, 422, "unknown_image", "style_images"),
        (stylizer, stored_styles | {"style_images": [-1]}, 422, "invalid_request", "style_images/0"),
        (stylizer, stored_styles | {"style_dataset": large}, 422, "too_many_styles", "styles"),
        (stylizer, stored_styles | {"masks": [a_mask(9, 9)]}, 422, "masks_mismatch", "masks"),
        (classifier, stored_styles, 422, "styles_not_taken", "styles"),
    ]  # fmt: skip
    for model, parts, status, code, pointer in cases:
        answer = ask(apis, model, **{"images": [a_photo()], "styles": [RED], **parts})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code), answer.text
        assert problem["errors"][0]["pointer"].endswith(f"/{pointer}")


def test_a_dataset_of_another_project_is_no_gallery(apis: EveryApi, stylizer: str) -> None:
    foreign = a_gallery(apis, [RED])
    with apis.zoo.transaction() as session:
        session.get_one(DatasetRecord, foreign).project = "other"

    answers = [
        ask(apis, stylizer, images=[a_photo()], style_dataset=dataset)
        for dataset in (foreign, new_id(IdKind.DATASET))
    ]

    assert {answer.json()["code"] for answer in answers} == {"unknown_dataset"}


SMALL_STYLE = a_picture("red", (12, 30))
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("stylizer", {"styles": []}, "styles_missing", "/query/styles"),
    ("stylizer", {"output": "classes"}, "output_not_supported", "/query/output"),
    ("stylizer", {"output": "features"}, "styles_not_taken", "/query/styles"),
    ("stylizer", {"styles": [RED] * 17}, "too_many_styles", "/query/styles"),
    ("stylizer", {"masks": [a_mask(0, 0)] * 2}, "masks_mismatch", "/query/masks"),
    ("stylizer", {"style_weights": [1, 2]}, "style_weights_mismatch", "/query/style_weights"),
    ("stylizer", {"style_weights": [0]}, "style_weights_zero", "/query/style_weights"),
    ("stylizer", {"strength": 1.5}, "invalid_request", "/query/strength"),
    ("stylizer", {"strength": "nan"}, "invalid_request", "/query/strength"),
    ("stylizer", {"images": [a_photo(7, 20)]}, "image_too_small", "/images"),
    ("stylizer", {"images": [a_photo(8, 2049)]}, "image_too_large", "/images"),
    ("stylizer", {"images": [b"no image"]}, "image_unreadable", "/images"),
    ("stylizer", {"styles": [SMALL_STYLE]}, "style_too_small", "/styles"),
    ("stylizer", {"styles": [b"no image"]}, "image_unreadable", "/styles"),
    ("stylizer", {"masks": [a_mask(0, 0, 40, 40)]}, "mask_shape_differs", "/masks"),
    ("stylizer", {"images": [a_photo(mode="RGBA")], "format": "jpeg"}, "alpha_needs_png", "/format"),
    ("classifier", {}, "styles_not_taken", "/styles"),
    ("classifier", {"styles": [], "strength": 0.5}, "styles_not_taken", "/styles"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "request_parts", "code", "pointer"), REFUSALS)
def test_what_does_not_suit_is_refused_with_its_field(
    apis: EveryApi,
    request: pytest.FixtureRequest,
    kind: str,
    request_parts: dict[str, Any],
    code: str,
    pointer: str,
) -> None:
    model = request.getfixturevalue(kind)

    answer = ask(apis, model, **{"images": [a_photo()], "styles": [RED], **request_parts})

    problem = answer.json()
    assert answer.status_code == 422, answer.text
    assert problem["code"] == code
    assert problem["errors"][0]["pointer"].endswith(pointer.removeprefix("/query"))
    assert problem["remedy"] or code == "invalid_request"


def test_wrong_use_of_a_kind_is_one_error_over_every_api(
    apis: EveryApi, stylizer: str, classifier: str
) -> None:
    folder = apis.folder / new_id(IdKind.UPLOAD)
    folder.mkdir()
    photo, style = folder / "photo.png", folder / "style.png"
    photo.write_bytes(a_photo())
    style.write_bytes(RED)
    for model, styles, code in (
        (classifier, [style], "styles_not_taken"),
        (stylizer, [], "styles_missing"),
    ):
        data = [path.read_bytes() for path in styles]
        over_grpc = refusal(
            apis.stubs.models.Predict,
            wire.PredictRequest(id=model, images=[a_photo()], styles=data),
        )
        with pytest.raises(ZooClientError) as caught:
            apis.client.models.predict(model, [photo], styles=Styles(files=styles))
        words = [word for path in styles for word in ("--style", str(path))]
        printed = apis.shell.error("predict", model, str(photo), *words)
        codes = {over_grpc.code, caught.value.code, printed["code"]}
        assert codes == {code}


def test_a_sheet_is_one_picture_of_all_over_every_api(
    apis: EveryApi, stylizer: str, tmp_path: Path
) -> None:
    pictures = {"photo": a_photo(), "other": a_photo(60, 24, seed=1), "red": RED, "blue": BLUE}
    paths = {name: tmp_path / f"{name}.png" for name in pictures}
    for name, data in pictures.items():
        paths[name].write_bytes(data)
    contents, styles = [a_photo(), pictures["other"]], [RED, BLUE]

    over_rest = ask(apis, stylizer, images=contents, styles=styles, sheet=True)
    over_grpc = apis.stubs.models.Predict(
        wire.PredictRequest(id=stylizer, images=contents, styles=styles, sheet=True)
    )
    chosen = Styles(files=[paths["red"], paths["blue"]], sheet=True)
    from_client = apis.client.models.predict(
        stylizer, [paths["photo"], paths["other"]], styles=chosen
    )
    words = ["predict", stylizer, str(paths["photo"]), str(paths["other"])]
    words += ["--style", str(paths["red"]), "--style", str(paths["blue"])]
    (printed,) = apis.shell.json(*words, "--sheet", "--out", str(tmp_path / "out"))["paths"]

    assert over_rest.headers["content-type"] == "image/png", over_rest.text
    assert Path(printed).name == "sheet.png"
    answers = [*over_grpc.pictures.png, *from_client.pictures, Path(printed).read_bytes()]
    assert answers == [over_rest.content] * 3
    height, width, planes = pixels_of(over_rest.content).shape
    assert (planes, width >= 3 * 144, height >= 3 * 144) == (3, True, True)


def test_a_sheet_follows_the_format_and_a_single_picture_is_one_cell(
    apis: EveryApi, stylizer: str
) -> None:
    sheet = painted(apis, stylizer, sheet=True, format="jpeg")

    assert sheet.shape != pixels_of(a_photo()).shape


def test_a_sheet_that_cannot_be_drawn_is_refused(
    apis: EveryApi, stylizer: str, classifier: str
) -> None:
    both, photo = [RED, BLUE], [a_photo()]
    cases: list[tuple[str, dict[str, Any], str, str]] = [
        (stylizer, {"styles": both, "style_weights": [1, 1]}, "sheet_of_mixture", "/sheet"),
        (stylizer, {"styles": [RED], "masks": [a_mask(0, 255)]}, "sheet_of_mixture", "/sheet"),
        (stylizer, {"styles": [RED] * 5, "images": photo * 13}, "too_many_pictures", "/images"),
        (stylizer, {"output": "features"}, "styles_not_taken", "/styles"),
        (classifier, {}, "styles_not_taken", "/styles"),
    ]
    for model, request, code, pointer in cases:
        answer = ask(apis, model, **{"images": photo, **request}, sheet=True)

        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
