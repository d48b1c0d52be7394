"""Segmentation networks, backbones and plain vision models of transformers are packed as they answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from workers import torchvision_operators
from zooscope.packing import PackingError, pack
from zooscope.packing.sources import Details, LoadedNetwork
from zooscope.packing.sources.transformers_networks import is_folder, of_folder

torchvision_operators.install()
transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)
PREPARED = Details(size=(32, 32), mean=(0.5,), std=(0.5,))
NAMES = {0: "sky", 1: "sea", 2: "land"}


def segmentation() -> Any:
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8, id2label=NAMES, label2id={v: k for k, v in NAMES.items()},
    )  # fmt: skip
    return transformers.SegformerForSemanticSegmentation(config)


def backbone() -> Any:
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"
    )
    return transformers.ResNetBackbone(config)


def plain() -> Any:
    config = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=1, num_attention_heads=3, intermediate_size=48,
        image_size=32, patch_size=16,
    )  # fmt: skip
    return transformers.ViTModel(config)


CASES: dict[str, tuple[Callable[[], Any], str, Callable[[Any], Tensor]]] = {
    "segmentation": (segmentation, "segmentation", lambda answer: answer.logits),
    "backbone": (backbone, "embedding", lambda answer: answer.feature_maps[-1]),
    "plain": (plain, "embedding", lambda answer: answer.last_hidden_state),
}


@pytest.mark.parametrize("name", CASES)
def test_a_network_answers_as_its_library_does(tmp_path: Path, name: str):
    build, task, output = CASES[name]
    torch.manual_seed(0)
    network = build().eval()
    network.save_pretrained(tmp_path / "net")
    assert is_folder(tmp_path / "net")

    described = of_folder(tmp_path / "net", PREPARED)
    loaded = described.load()

    assert isinstance(loaded, LoadedNetwork)
    packed = pack(loaded.module, PREPARED.over(described.fields), tmp_path / "net.pt2")
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(
        packed.program(images), output(network(images)), rtol=1e-4, atol=1e-5
    )
    assert described.fields["task"] == task
    assert described.fields.get("classes") == (
        tuple(NAMES.values()) if task == "segmentation" else None
    )


PROCESSORS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "EfficientNetImageProcessor": (
        {"rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False},
        {"range": (-1.0, 1.0), "mean": (0.0, 0.0, 0.0)},
    ),
    "MobileViTImageProcessor": (
        {"do_flip_channel_order": True, "size": {"shortest_edge": 40}, "crop_size": 32,
         "do_normalize": False},
        {"channel_order": "BGR", "height": 32},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", PROCESSORS)
def test_the_processor_says_range_and_order_of_channels(tmp_path: Path, kind: str):
    import json

    plain().save_pretrained(tmp_path / "net")
    stated, expected = PROCESSORS[kind]
    content = {"image_processor_type": kind, "size": {"height": 32, "width": 32}} | stated
    (tmp_path / "net" / "preprocessor_config.json").write_text(json.dumps(content))

    described = of_folder(tmp_path / "net", Details())

    spec = Details().over(described.fields).input.model_dump()
    assert {name: pytest.approx(spec[name]) if name == "range" else spec[name] for name in expected} == expected  # fmt: skip


def test_a_detection_network_is_refused_with_the_part_that_can_be_used(tmp_path: Path):
    (tmp_path / "config.json").write_text(
        '{"model_type": "yolos", "architectures": ["YolosForObjectDetection"]}'
    )

    with pytest.raises(PackingError, match="YolosForObjectDetection") as caught:
        of_folder(tmp_path, PREPARED)

    assert caught.value.code == "detection_not_supported"
    assert "backbone" in (caught.value.remedy or "")


def test_a_network_for_other_things_is_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text(
        '{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'
    )

    with pytest.raises(PackingError, match="BertForMaskedLM") as caught:
        of_folder(tmp_path, PREPARED)

    assert caught.value.code == "unsupported_network"
