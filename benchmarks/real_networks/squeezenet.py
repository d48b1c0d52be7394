"""torchvision's SqueezeNet 1.0, the one network here that comes from a library's listing."""

from torch import nn


def squeezenet() -> nn.Module:
    """SqueezeNet 1.0 without weights."""
    from torchvision.models import squeezenet1_0

    network: nn.Module = squeezenet1_0()
    return network
