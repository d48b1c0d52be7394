"""Files of Keras become networks that answer as Keras does, with its names; code in a file is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.zooscope.packing import keras_files
from workers.programs import Program
from workers.programs.exporting import example_images
from zooscope.packing import PackingError, pack
from zooscope.packing.sources import Details, LoadedNetwork, keras_networks

pytestmark = [
    pytest.mark.slow,
    # Keras converts its variables by a call that NumPy wants spelled otherwise.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
torch.set_num_threads(1)
PREPARED = Details(mean=(0.5,), std=(0.25,))


def packed(network: Any, folder: Path, details: Details) -> tuple[Program, Any]:
    """The packed network, and its manifest."""
    path = keras_files.saved(network, folder / "net.keras")
    described = keras_networks.of(str(path), details)
    manifest = details.over(described.fields)
    loaded = described.load()
    assert isinstance(loaded, LoadedNetwork)
    assert loaded.revision.startswith("sha256:")
    return pack(loaded.module, manifest, folder / "net.pt2").program, manifest


def answer_of(network: Any, images: torch.Tensor) -> torch.Tensor:
    """What Keras computes for images with the channels first."""
    with torch.no_grad():
        answer = network(images.permute(0, 2, 3, 1), training=False)
    return answer[-1] if isinstance(answer, list | tuple) else answer


CASES: dict[str, tuple[Callable[[], Any], Details, str]] = {
    "functional": (keras_files.scaling, Details(), "network.pool"),
    "sequence": (keras_files.gray, Details(size=(24, 20), mean=(0.5,), std=(0.25,)), "network.global_max_pooling2d"),
    "half precision": (keras_files.half_precision, PREPARED, "network.flatten"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_network_answers_as_keras_does(tmp_path: Path, name: str):
    build, details, feature_layer = CASES[name]
    keras_files.keras().utils.set_random_seed(0)
    network = build()

    program, _ = packed(network, tmp_path, details)

    images = example_images(3, program.input_shape)
    tolerance = 1e-2 if name == "half precision" else 1e-5
    torch.testing.assert_close(
        program(images), answer_of(network, images).float(), rtol=tolerance, atol=tolerance
    )
    assert program.feature_layer.rstrip("_0123456789") == feature_layer.rstrip("_0123456789")
    assert program.batch is None


def test_a_network_that_scales_images_itself_takes_values_up_to_255(tmp_path: Path):
    program, manifest = packed(keras_files.scaling(), tmp_path, Details())

    assert (manifest.input.range, manifest.input.mean) == ((0.0, 255.0), (0.0, 0.0, 0.0))
    assert (manifest.input.height, manifest.input.width) == (32, 24)
    assert manifest.task.kind == "classification"
    layers = [layer.name for layer in program.layers]
    assert {"network.stem", "network.norm", "network.pool", "network.head"} <= set(layers)


def test_layers_of_nested_networks_have_nested_names(tmp_path: Path):
    details = Details(size=(24, 20), mean=(0.5,), std=(0.25,))

    program, manifest = packed(keras_files.gray(), tmp_path, details)

    assert manifest.input.channels == 1
    assert "network.body.deep" in [layer.name for layer in program.layers]


def test_outputs_have_the_names_of_their_layers(tmp_path: Path):
    network = keras_files.two_outputs()
    with pytest.raises(Exception, match=r"pixels.*scores") as caught:
        packed(network, tmp_path, PREPARED)

    chosen, _ = packed(network, tmp_path, Details(mean=(0.5,), std=(0.25,), fields={"output": "scores"}))  # fmt: skip

    assert caught.value.code == "several_outputs"  # type: ignore[attr-defined]
    images = example_images(2, chosen.input_shape)
    torch.testing.assert_close(chosen(images), answer_of(network, images), rtol=1e-5, atol=1e-5)


REFUSALS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "a Lambda layer": (keras_files.with_lambda, "custom_layer", "Lambda"),
    "a layer of one's own": (keras_files.with_own_layer, "custom_layer", "TwiceAsLarge"),
    "five channels": (keras_files.many_channels, "not_one_image_input", "5 channels"),
    "no images": (keras_files.vectors, "not_one_image_input", "(any, 8)"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_network_that_cannot_be_read_is_refused(tmp_path: Path, name: str):
    build, code, word = REFUSALS[name]
    path = keras_files.saved(build(), tmp_path / "net.keras")

    with pytest.raises(PackingError) as caught:
        keras_networks.of(str(path), PREPARED)

    assert (caught.value.code, bool(caught.value.remedy)) == (code, True)
    assert word in caught.value.detail


def test_the_form_before_keras_3_is_refused_with_its_conversion(tmp_path: Path):
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))

    with pytest.raises(PackingError, match="before Keras 3") as caught:
        keras_networks.of(str(tmp_path / "old.h5"), PREPARED)

    assert "save('old.keras')" in (caught.value.remedy or "")


def test_keras_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = keras_files.saved(keras_files.many_channels(), tmp_path / "net.keras")
    monkeypatch.setattr(keras_networks, "find_spec", lambda _: None)

    with pytest.raises(PackingError, match="not installed") as caught:
        keras_networks.of(str(path), PREPARED)

    assert (caught.value.code, caught.value.remedy) == (
        "library_missing",
        "pip install 'keras>=3'",
    )
