"""The architectures whose ONNX files are swept, each with random weights: of timm, torchvision and transformers."""

from typing import Any

import torch
from torch import nn

from benchmarks import formats_sweep
from workers.programs.exporting import example_images
from zooscope.packing.packing import tensors_in

LEAST_RESPONSE = 0.001
"""How far the answers to two images must be apart, relative to their size: ten times the tolerance."""

TIMM = """
resnet10t mobilenetv3_small_050 lcnet_050 mnasnet_small mobilenetv2_050 tinynet_e resnet18 seresnet18
convnext_atto vit_tiny_patch16_224 deit_tiny_distilled_patch16_224 regnetx_002 regnety_002 ghostnet_050
levit_128s edgenext_xx_small pit_ti_224 xcit_nano_12_p16_224 mobilevit_xxs efficientvit_b0 efficientvit_m0
mixer_s32_224 resmlp_12_224 gmlp_ti16_224 convit_tiny starnet_s1 pvt_v2_b0 poolformer_s12 fbnetc_100
spnasnet_100 efficientnet_lite0 efficientnet_b0 mobilenetv1_100 mobilenetv4_conv_small_050 hardcorenas_a
semnasnet_075 rexnet_100 mixnet_s repvit_m0_9 fastvit_t8 convnextv2_atto inception_next_atto
visformer_tiny swin_tiny_patch4_window7_224 efficientformerv2_s0 mobilevitv2_050 coat_tiny ecaresnet26t
skresnet18 resnest14d resnetv2_18 dla34 repvgg_a0 mobileone_s0 gernet_s selecsls42b densenet121
hrnet_w18_small tiny_vit_5m_224 davit_tiny caformer_s18 nest_tiny botnet26t_256 halonet26t vgg11_bn
crossvit_tiny_240 twins_svt_small cspdarknet53 nf_regnet_b0 eva02_tiny_patch14_224 sequencer2d_s
"""
TORCHVISION = """
squeezenet1_1 shufflenet_v2_x0_5 mnasnet0_5 googlenet alexnet lraspp_mobilenet_v3_large
deeplabv3_mobilenet_v3_large
"""

SHORT_TRANSFORMER: dict[str, Any] = {
    "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 96,
    "image_size": 64, "patch_size": 16,
}  # fmt: skip
FOUR_STAGES: dict[str, Any] = {"depths": [1, 1, 1, 1], "hidden_sizes": [16, 32, 48, 64]}
TWO_WINDOWS: dict[str, Any] = {
    "embed_dim": 24, "depths": [1, 1], "num_heads": [2, 4], "image_size": 64, "window_size": 4,
}  # fmt: skip
PYRAMID: dict[str, Any] = {
    "depths": [1, 1, 1, 1], "hidden_sizes": [16, 32, 64, 64], "num_attention_heads": [1, 2, 4, 4],
    "image_size": 64,
}  # fmt: skip
# Small settings of each architecture of transformers: the graph is that of the published size, with fewer blocks.
TRANSFORMERS: dict[str, dict[str, Any]] = {
    "vit": SHORT_TRANSFORMER,
    "vit_msn": SHORT_TRANSFORMER,
    "beit": {**SHORT_TRANSFORMER, "out_indices": [1]},
    "data2vec-vision": {**SHORT_TRANSFORMER, "out_indices": [1]},
    "dinov2": SHORT_TRANSFORMER,
    "dinov2_with_registers": SHORT_TRANSFORMER,
    "ijepa": SHORT_TRANSFORMER,
    "siglip": {"vision_config": SHORT_TRANSFORMER},
    "clip": {"vision_config": SHORT_TRANSFORMER},
    "convnext": {**FOUR_STAGES, "image_size": 64},
    "convnextv2": {**FOUR_STAGES, "image_size": 64},
    "resnet": {**FOUR_STAGES, "embedding_size": 16, "layer_type": "basic"},
    "regnet": {
        "embedding_size": 16, "hidden_sizes": [32, 64, 96, 128], "depths": [1, 1, 1, 1],
        "groups_width": 16,
    },
    "mobilenet_v1": {"depth_multiplier": 0.25, "image_size": 64},
    "mobilenet_v2": {"depth_multiplier": 0.35, "image_size": 64},
    "mobilevit": {
        "hidden_sizes": [32, 48, 64], "neck_hidden_sizes": [8, 16, 24, 32, 40, 48, 96],
        "image_size": 64,
    },
    "mobilevitv2": {"width_multiplier": 0.5, "image_size": 64},
    "efficientnet": {
        "width_coefficient": 0.5, "depth_coefficient": 0.3, "image_size": 64, "hidden_dim": 640,
    },
    "poolformer": FOUR_STAGES,
    "segformer": {**FOUR_STAGES, "decoder_hidden_size": 32},
    "swin": TWO_WINDOWS,
    "swinv2": TWO_WINDOWS,
    "focalnet": {
        "embed_dim": 24, "depths": [1, 1, 1, 1], "image_size": 64, "hidden_sizes": [24, 48, 96, 192],
    },
    "hiera": {"embed_dim": 24, "depths": [1, 1, 1, 1], "image_size": [64, 64]},
    "pvt": PYRAMID,
    "pvt_v2": PYRAMID,
    "swiftformer": {"depths": [1, 1, 1, 1], "embed_dims": [16, 32, 48, 64], "image_size": 64},
    "textnet": {},
    "hgnet_v2": {},
}  # fmt: skip
LISTED = (
    *(f"transformers:{name}" for name in TRANSFORMERS),
    *(f"timm:{name}" for name in TIMM.split()),
    *(f"torchvision:{name}" for name in TORCHVISION.split()),
)
CLASSES = 7


def network_of(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    """A network in evaluation mode, and the shape of one image."""
    library, _, short = name.partition(":")
    network: nn.Module
    if library != "transformers":
        network, shape = formats_sweep.network_of(name)
    else:
        network, shape = _Logits(_classifier(short)), (3, 64, 64)
    return _awake(network, shape).eval(), shape


def response(answer: torch.Tensor) -> float:
    """How far the answers to the first two images are apart, relative to the first."""
    first, second = answer[:2]
    return float((first - second).norm() / first.norm().clamp_min(1e-30))


def _awake(network: nn.Module, shape: tuple[int, int, int]) -> nn.Module:
    """The network, whose answer depends on the image: with some random weights it does not.

    Then any comparison of answers and gradients would succeed. Such a network gets weights of the
    scale of their inputs, and fresh normalizations that know the statistics of random images.
    """
    with torch.no_grad():
        answer = tensors_in(network.eval()(example_images(2, shape)))[0]
        if response(answer) >= LEAST_RESPONSE:
            return network
        for tensor in network.parameters():
            if tensor.ndim > 1:
                tensor.normal_(std=(2 / tensor[0].numel()) ** 0.5)
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.reset_parameters()
                module.momentum = None  # averages all batches
        network.train()
        for _ in range(2):
            network(torch.randn(8, *shape))
    return network


def _classifier(name: str) -> nn.Module:
    """An image classifier of these settings without a weight that is all zeros."""
    from transformers import AutoConfig, AutoModelForImageClassification

    config = AutoConfig.for_model(name, **TRANSFORMERS[name])
    config.num_labels = CLASSES
    network: nn.Module = AutoModelForImageClassification.from_config(config)
    with torch.no_grad():
        for tensor in network.parameters():
            if tensor.numel() > 1 and not tensor.any():
                tensor.normal_(std=0.02)
    return network


class _Logits(nn.Module):
    """The scores of a classifier of transformers."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """One row of scores per image."""
        logits: torch.Tensor = self.network(pixel_values=pixel_values).logits
        return logits
