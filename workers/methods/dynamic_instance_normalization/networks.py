"""The stylizer as one network, and the networks that it is compared with."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from service.core.catalog.dynamic_instance_normalization import Rival
from service.core.manifest import StylizerHead, StylizerNetwork
from workers.methods.dynamic_instance_normalization.loss_network import LossNetwork, NetworkInput
from workers.programs.trainable import FrozenLayers
from workers.torchkit.stylization.maths import adaptive_instance_normalization, pooled
from workers.torchkit.stylization.networks import (
    Conditions,
    ContentPath,
    Doubled,
    LayerShape,
    convolution,
)
from workers.torchkit.training.students import fill_linear
from workers.torchkit.training.teachers import Teacher

HIDDEN = 128
_SPREAD = 0.02
Maps = Sequence[Tensor]


@dataclass(frozen=True)
class PaintingBatch:
    """Contents and their styles, side by side, with their maps in the loss network.

    Attributes:
        content_maps: Of the contents, at the layer that compares contents.
        style_maps: Of the styles, at every layer.
    """

    contents: Float[Tensor, "image 3 row column"]
    styles: Float[Tensor, "image 3 row column"]
    content_maps: Float[Tensor, "image channel map_row map_column"]
    style_maps: Maps
    noise: Tensor | None = None


@runtime_checkable
class Paints(Protocol):
    """A network that learns to paint contents in styles."""

    def paint(self, batch: PaintingBatch) -> Float[Tensor, "image 3 row column"]:
        """Contents in the styles."""
        ...


class StyleHeads(nn.Module):
    """Means and deviations of a style's maps to the parameters of all dynamic layers."""

    neutral: Tensor

    def __init__(self, units: int, shapes: Sequence[LayerShape]) -> None:
        super().__init__()
        neutral = torch.cat([shape.neutral() for shape in shapes])
        self.hidden, self.output = nn.Linear(units, HIDDEN), nn.Linear(HIDDEN, len(neutral))
        self.register_buffer("neutral", neutral)

    def draw(self, generator: torch.Generator) -> None:
        """New weights; the layers begin as plain instance normalization, or close to it."""
        fill_linear(self.hidden, generator)
        nn.init.normal_(self.output.weight, std=_SPREAD, generator=generator)
        nn.init.zeros_(self.output.bias)

    def forward(self, statistics: Float[Tensor, "image unit"]) -> Float[Tensor, "image parameter"]:
        """The parameters."""
        changes: Tensor = self.output(torch.relu(self.hidden(statistics)))
        return changes + self.neutral


class StylePath(nn.Module):
    """A picture to the parameters of its style."""

    def __init__(
        self, teacher: Teacher, loss_network: LossNetwork, shapes: Sequence[LayerShape], units: int
    ) -> None:
        super().__init__()
        layers = loss_network.layers
        self._indices = layers.styles
        self._scales = [loss_network.scales[index] for index in self._indices]
        self.input = NetworkInput(teacher.input)
        self.body = FrozenLayers(teacher.program, [layers.names[index] for index in self._indices])
        self.heads = StyleHeads(units, shapes)

    def of_maps(self, style_maps: Maps) -> Float[Tensor, "image parameter"]:
        """The parameters of styles whose maps in the loss network are at hand."""
        chosen = [style_maps[index] for index in self._indices]
        parameters: Tensor = self.heads(torch.cat([pooled(maps) for maps in chosen], dim=1))
        return parameters

    def forward(
        self, pictures: Float[Tensor, "image 3 row column"]
    ) -> Float[Tensor, "image parameter"]:
        """The parameters."""
        maps = self.body(self.input(pictures))
        scaled = [part / scale for part, scale in zip(maps, self._scales, strict=True)]
        parameters: Tensor = self.heads(torch.cat([pooled(part) for part in scaled], dim=1))
        return parameters


class StylizerModule(nn.Module):
    """The stylizer; as an ordinary network, it paints a picture in the picture's own style."""

    def __init__(
        self, head: StylizerHead, teacher: Teacher, loss_network: LossNetwork, style_units: int
    ) -> None:
        super().__init__()
        self.content = ContentPath(head)
        self.style = StylePath(teacher, loss_network, self.content.shapes, style_units)

    def forward(
        self, pictures: Float[Tensor, "image 3 row column"]
    ) -> Float[Tensor, "image 3 row column"]:
        """Pictures in their own styles."""
        painted: Tensor = self.content(pictures, Conditions([self.style(pictures)]))
        return painted

    def paint(self, batch: PaintingBatch) -> Float[Tensor, "image 3 row column"]:
        """Contents in the styles."""
        painted: Tensor = self.content(
            batch.contents, Conditions([self.style.of_maps(batch.style_maps)], noise=batch.noise)
        )
        return painted


class NormalizingOnly(nn.Module):
    """The content path with the same constants for every style: instance normalization alone."""

    def __init__(self, head: StylizerHead) -> None:
        super().__init__()
        self.content = ContentPath(head)
        neutral = torch.cat([shape.neutral() for shape in self.content.shapes])
        self.constants = nn.Parameter(neutral)

    def paint(self, batch: PaintingBatch) -> Float[Tensor, "image 3 row column"]:
        """Contents, whatever the style."""
        constants = self.constants.expand(len(batch.contents), -1)
        painted: Tensor = self.content(batch.contents, Conditions([constants], noise=batch.noise))
        return painted


class LightAdain(nn.Module):
    """AdaIN on the maps of one light encoder for content and style."""

    def __init__(self, head: StylizerHead) -> None:
        super().__init__()
        path = ContentPath(head)
        self.encoder, self.middle, self.tail = path.encoder, path.middle, path.tail

    def paint(self, batch: PaintingBatch) -> Float[Tensor, "image 3 row column"]:
        """Contents with the statistics of the styles' maps."""
        contents, styles = self.encoder(batch.contents), self.encoder(batch.styles)
        maps = adaptive_instance_normalization(contents, styles)
        painted: Tensor = self.tail(self.middle(maps))
        return painted


class LossNetworkAdain(nn.Module):
    """AdaIN on the content layer of the loss network, with a decoder of five convolutions.

    Args:
        channels: Channels of that layer.
        shrinkage: How many times smaller its maps are than the picture.
    """

    def __init__(self, loss_network: LossNetwork, channels: int, shrinkage: int) -> None:
        super().__init__()
        self._loss_network = [loss_network]
        widths = [channels, max(64, channels // 2), 64, 32, 16]
        parts: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            parts += [convolution(inputs, outputs), nn.ReLU()]
            parts += [Doubled()] if 2 ** (index + 1) <= shrinkage else []
        self.decoder = nn.Sequential(*parts, convolution(widths[-1], 3), nn.Sigmoid())

    def paint(self, batch: PaintingBatch) -> Float[Tensor, "image 3 row column"]:
        """Contents with the statistics of the styles' maps."""
        (network,) = self._loss_network
        style_maps = network.content(batch.style_maps)
        painted = self.decoder(adaptive_instance_normalization(batch.content_maps, style_maps))
        return nn.functional.interpolate(
            painted, size=batch.contents.shape[-2:], mode="bilinear", align_corners=False
        )


def drawn(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """The network with weights from the generator alone."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, StyleHeads):
            module.draw(generator)
    return network


def rival_network(
    rival: Rival,
    *,
    width: int,
    teacher: Teacher,
    loss_network: LossNetwork,
    size: int,
) -> nn.Module:
    """A new network of this kind for pictures of ``size`` pixels, its weights not drawn yet."""
    shapes = loss_network.map_shapes
    units = sum(2 * shapes[index][0] for index in loss_network.layers.styles)
    if rival.value in list(StylizerNetwork):
        head = StylizerHead(network=StylizerNetwork(rival.value), width=width)
        return StylizerModule(head, teacher, loss_network, units)
    head = StylizerHead(network=StylizerNetwork.CIN, width=width)
    if rival is Rival.IN_ONLY:
        return NormalizingOnly(head)
    if rival is Rival.ADAIN_LIGHT:
        return LightAdain(head)
    channels, _rows, columns = shapes[loss_network.layers.content]
    return LossNetworkAdain(loss_network, channels, round(size / columns))
