"""Where nobody names layers, the ends of a network's blocks are asked about, and not its answer."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from service.core.candidate_layers import MOST, candidate_layers, cut_layers
from workers.torchkit.attribution.module_reader import ModuleReader

Layers = list[tuple[str, str]]


def layers_of(network: nn.Module, side: int = 32) -> Layers:
    reader = ModuleReader(network, "", input_shape=(3, side, side))
    return [(layer.name, layer.kind) for layer in reader.layers]


def built(name: str, **options: Any) -> nn.Module:
    import timm

    network: nn.Module = timm.create_model(name, pretrained=False, **options)
    return network


def network(name: str, **options: Any) -> Layers:
    return layers_of(built(name, **options))


def chain(length: int) -> Layers:
    kinds = ("Conv2d", "ReLU")
    return [(f"{index}", kinds[index % 2]) for index in range(length)]


def test_a_residual_network_is_asked_at_its_blocks() -> None:
    chosen = candidate_layers(network("resnet18"), feature_layer="global_pool")

    blocks = tuple(f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1))
    assert chosen == ("act1", "maxpool", *blocks, "global_pool")


def test_a_plain_chain_is_asked_after_every_activation_and_pool() -> None:
    layers = network("vgg11_bn", num_classes=10)

    chosen = candidate_layers(layers)

    kinds = dict(layers)
    features = [name for name in chosen if name.startswith("features.")]
    assert [kinds[name] for name in features].count("ReLU") == 8
    assert [kinds[name] for name in features].count("MaxPool2d") == 5
    assert chosen[-1] == "pre_logits"


def test_inverted_residuals_and_transformer_blocks_are_blocks() -> None:
    mobile = candidate_layers(network("mobilenetv2_050"))
    vision = candidate_layers(network("vit_tiny_patch16_224", img_size=32, patch_size=8))

    assert len([name for name in mobile if name.startswith("blocks.")]) == 17
    assert [name for name in vision if name.startswith("blocks.")] == [
        f"blocks.{index}" for index in range(12)
    ]


def test_a_wrapped_network_is_opened_until_blocks_are_found() -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = built("resnet18", num_classes=0)
            self.head = nn.Linear(512, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = self.head(self.backbone(images))
            return answer

    chosen = candidate_layers(layers_of(Wrapped()))

    assert "backbone.layer2.1" in chosen
    assert chosen[-1] == "backbone"


def test_layers_that_change_nothing_and_the_answer_are_left_out() -> None:
    layers = [
        *[("conv", "Conv2d"), ("norm", "BatchNorm2d"), ("act", "ReLU"), ("drop", "Dropout")],
        *[("pool", "AvgPool2d"), ("flatten", "flatten"), ("fc", "Linear"), ("p", "LogSoftmax")],
    ]

    assert candidate_layers(layers) == ("act", "pool")


def test_the_feature_layer_is_always_asked_about() -> None:
    layers = [("block", "Linear"), ("first", "select"), ("drop", "Dropout"), ("fc", "Linear")]

    assert candidate_layers(layers, feature_layer="drop") == ("block", "drop")


@pytest.mark.parametrize("feature", ["body", "body.1", "drop"])
def test_one_output_is_not_asked_about_under_two_names(feature: str) -> None:
    layers = [
        *[("body.0", "Conv2d"), ("body.1", "ReLU"), ("body", "Sequential")],
        *[("pool", "AvgPool2d"), ("drop", "Dropout"), ("fc", "Linear")],
    ]

    assert candidate_layers(layers, feature_layer=feature) == ("body.1", "pool")


@pytest.mark.parametrize("length", [60, 83, 400, 2000])
def test_more_than_forty_are_thinned_evenly_and_the_last_stays(length: int) -> None:
    everything = candidate_layers(chain(length), most=length)

    chosen = candidate_layers(chain(length))

    indices = [everything.index(name) for name in chosen]
    gaps = {after - before for before, after in pairwise(indices)}
    assert len(chosen) == min(MOST, len(everything))
    assert chosen[-1] == everything[-1]
    assert indices == sorted(indices)
    assert max(gaps) - min(gaps) <= 1


def test_all_layers_are_all_but_the_answer_and_a_lone_layer_has_none() -> None:
    assert cut_layers(chain(5)) == ("0", "1", "2", "3")
    assert candidate_layers([("fc", "Linear")]) == ()
    assert candidate_layers([]) == ()
