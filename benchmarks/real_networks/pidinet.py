"""PiDiNet: edges by convolutions of pixel differences (Su et al. 2021).

A convolution of differences is a plain convolution with a kernel made from the stored one, so
each kind below is only a rule for making that kernel.
"""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

_CLOCKWISE = (3, 0, 1, 6, 4, 2, 7, 8, 5)
_OUTER = (0, 2, 4, 10, 14, 20, 22, 24)
_INNER = (6, 7, 8, 11, 13, 16, 17, 18)
_DILATIONS = (5, 7, 9, 11)


def _plain(kernel: Tensor) -> Tensor:
    return kernel


def _central(kernel: Tensor) -> Tensor:
    """Each neighbor minus the pixel in the middle."""
    middle = torch.zeros_like(kernel[0, 0])
    middle[1, 1] = 1.0
    return kernel - kernel.sum(dim=(2, 3), keepdim=True) * middle


def _angular(kernel: Tensor) -> Tensor:
    """Each neighbor minus the next one clockwise."""
    flat = kernel.flatten(2)
    return (flat - flat[:, :, _CLOCKWISE]).view_as(kernel)


def _radial(kernel: Tensor) -> Tensor:
    """Each pixel two steps away minus the one a step away in the same direction: 5x5."""
    flat = kernel.flatten(2)
    wide = flat.new_zeros(*flat.shape[:2], 25)
    wide[:, :, _OUTER] = flat[:, :, 1:]
    wide[:, :, _INNER] = -flat[:, :, 1:]
    return wide.view(*flat.shape[:2], 5, 5)


# Pattern "carv", repeated in each of the four stages; the stem takes the first place.
_STAGE: tuple[Callable[[Tensor], Tensor], ...] = (_central, _angular, _radial, _plain)


class DifferenceConv(nn.Module):
    """A convolution whose kernel is made from the stored 3x3 one; the size is kept."""

    def __init__(
        self,
        channels_in: int,
        channels: int,
        rule: Callable[[Tensor], Tensor],
        *,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels_in // groups, 3, 3))
        self.rule = rule
        self.groups = groups

    def forward(self, maps: Tensor) -> Tensor:
        """The convolved maps."""
        kernel = self.rule(self.weight)
        return functional.conv2d(maps, kernel, padding=kernel.shape[-1] // 2, groups=self.groups)


def with_plain_kernels(network: nn.Module) -> nn.Module:
    """The network with every difference convolution replaced by the convolution it stands for."""
    for name, child in list(network.named_children()):
        if isinstance(child, DifferenceConv):
            setattr(network, name, _as_convolution(child))
        else:
            with_plain_kernels(child)
    return network


def _as_convolution(layer: DifferenceConv) -> nn.Conv2d:
    with torch.no_grad():
        kernel = layer.rule(layer.weight)
    plain = nn.Conv2d(
        kernel.shape[1] * layer.groups,
        kernel.shape[0],
        kernel.shape[-1],
        padding=kernel.shape[-1] // 2,
        groups=layer.groups,
        bias=False,
    )
    plain.weight = nn.Parameter(kernel)
    return plain


class DifferenceBlock(nn.Module):
    """A depthwise difference convolution and a pointwise one beside a shortcut."""

    def __init__(
        self, channels_in: int, channels: int, rule: Callable[[Tensor], Tensor], *, stride: int
    ) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2) if stride == 2 else nn.Identity()
        self.shortcut = nn.Conv2d(channels_in, channels, 1) if stride == 2 else nn.Identity()
        self.conv1 = DifferenceConv(channels_in, channels_in, rule, groups=channels_in)
        self.conv2 = nn.Conv2d(channels_in, channels, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the next layer."""
        maps = self.pool(maps)
        return self.conv2(torch.relu(self.conv1(maps))) + self.shortcut(maps)


class DilatedContext(nn.Module):
    """Four dilated convolutions over a narrow copy of the maps, added up."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 1)
        for number, dilation in enumerate(_DILATIONS, start=1):
            branch = nn.Conv2d(
                channels, channels, 3, padding=dilation, dilation=dilation, bias=False
            )
            self.add_module(f"conv2_{number}", branch)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, h, w)."""
        narrow = self.conv1(torch.relu(maps))
        branches = (self.get_submodule(f"conv2_{number}") for number in range(1, 5))
        return torch.stack([branch(narrow) for branch in branches]).sum(0)


class SpatialAttention(nn.Module):
    """Maps weighted by one factor per pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4, 1)
        self.conv2 = nn.Conv2d(4, 1, 3, padding=1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """The weighted maps."""
        return maps * torch.sigmoid(self.conv2(self.conv1(torch.relu(maps))))


class OneMap(nn.Module):
    """A 1x1 convolution to one channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, 1, h, w)."""
        return self.conv(maps)


class PiDiNet(nn.Module):
    """Four stages, an edge map from each, and their mixture."""

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 4 * width)
        self.init_block = DifferenceConv(3, width, _STAGE[0])
        self.stages = _add_stages(self, widths)
        self.dilations = nn.ModuleList(
            DilatedContext(stage_width, context) for stage_width in widths
        )
        self.attentions = nn.ModuleList(SpatialAttention(context) for _ in widths)
        self.conv_reduces = nn.ModuleList(OneMap(context) for _ in widths)
        self.classifier = nn.Conv2d(4, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of being an edge, (n, 1, h, w)."""
        size = images.shape[2:]
        maps, edges = self.init_block(images), []
        for number, names in enumerate(self.stages):
            for name in names:
                maps = self.get_submodule(name)(maps)
            weighted = self.attentions[number](self.dilations[number](maps))
            edge = self.conv_reduces[number](weighted)
            edges.append(functional.interpolate(edge, size, mode="bilinear"))
        return self.classifier(torch.cat(edges, dim=1))


def _add_stages(network: nn.Module, widths: tuple[int, ...]) -> list[list[str]]:
    """Blocks named block<stage>_<number>; the stem is the first layer of stage 1."""
    stages, before = [], widths[0]
    for stage, width in enumerate(widths, start=1):
        names = []
        rules = _STAGE[1:] if stage == 1 else _STAGE
        for number, rule in enumerate(rules, start=1):
            names.append(f"block{stage}_{number}")
            stride = 2 if stage > 1 and number == 1 else 1
            network.add_module(names[-1], DifferenceBlock(before, width, rule, stride=stride))
            before = width
        stages.append(names)
    return stages
