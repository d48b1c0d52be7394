"""What a trained stylizer does: controls, cost, and the verdict of a network that was not in the loss."""

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.methods.dynamic_instance_normalization.loss_network import LossNetwork
from workers.methods.dynamic_instance_normalization.maths import (
    content_loss,
    flat_energy,
    style_loss,
)
from workers.methods.dynamic_instance_normalization.networks import (
    PaintingBatch,
    Paints,
    StylizerModule,
)
from workers.methods.dynamic_instance_normalization.task import StylizationTask
from workers.torchkit.stylization.networks import Conditions
from workers.torchkit.stylization.painting import Painter, stroke_noise

_STRENGTHS = (0.25, 0.5, 0.75, 1.0)
_REACHES = (1.0, 2.0, 4.0)
_VGG = ((3, 64), (64, 64), 2, (64, 128), (128, 128), 2, (128, 256), (256, 256), (256, 256),
        (256, 256), 2, (256, 512))  # fmt: skip


def adain_vgg_multiply_adds(side: int) -> int:
    """Multiply-adds of AdaIN with VGG-19 up to relu4_1 and the mirrored decoder, on one picture."""
    total, size = 0, side
    for layer in _VGG:
        if isinstance(layer, int):
            size //= layer
        else:
            total += layer[0] * layer[1] * 9 * size * size
    return 2 * total


def painted(stylizer: StylizerModule, contents: Tensor, style: Tensor, **settings: Any) -> Tensor:
    """Contents in one style, with the mixture and the noise of a request."""
    strength, reach = settings.get("strength", 1.0), settings.get("reach", 1.0)
    pictures = []
    for content in contents:
        wanted, own = stylizer.style(style[None]), stylizer.style(content[None])
        mixed = own + strength * (wanted - own)
        noise = None
        if settings.get("uniform", 0.0) > 0:
            noise = stroke_noise(*content.shape[-2:], reach=reach, seed=0) * settings["uniform"]
        conditions = Conditions([mixed], reach=reach, noise=noise)
        pictures.append(Painter(stylizer.content).paint(content[None], conditions))
    return torch.cat(pictures)


def control_curves(stylizer: StylizerModule, contents: Tensor, styles: Tensor) -> dict[str, Any]:
    """What strength, stroke and grain do to contents in every style; all pictures of one size.

    ``stroke_frequency`` is that of everything that painting changes, at the style's own scale. The
    other two follow a request, which shrinks the style by the stroke: ``grain_frequency`` is that
    of what the noise alone changes, ``flat_frequency`` that of a painted gray area.
    """
    strength: dict[str, list[float]] = {str(value): [] for value in _STRENGTHS}
    names = ("stroke_frequency", "grain_frequency", "flat_frequency")
    strokes: dict[str, dict[str, list[float]]] = {
        name: {str(value): [] for value in _REACHES} for name in names
    }
    energy: dict[str, list[float]] = {"0": [], "1": []}
    gray = torch.full_like(contents[:1], 0.5)
    with torch.no_grad():
        for style in styles:
            for value in _STRENGTHS:
                result = painted(stylizer, contents, style, strength=value)
                strength[str(value)].append(255 * float((result - contents).abs().mean()))
            for value in _REACHES:
                for name, change in zip(
                    names, _strokes(stylizer, contents, style, value), strict=True
                ):
                    strokes[name][str(value)].append(dominant_frequency(change))
            for value in (0.0, 1.0):
                result = painted(stylizer, gray, style, uniform=value)
                flat = torch.ones_like(gray[:, :1])
                energy[str(int(value))].append(float(flat_energy(result, flat)))
    means = {name: _means(values) for name, values in strokes.items()}
    return {"strength": _means(strength), **means, "energy": energy}


def _strokes(
    stylizer: StylizerModule, contents: Tensor, style: Tensor, reach: float
) -> tuple[Tensor, Tensor, Tensor]:
    """What painting changes; what the noise changes; a painted gray area."""
    changed = painted(stylizer, contents, style, reach=reach, uniform=1.0) - contents
    size = (round(style.shape[-2] / reach), round(style.shape[-1] / reach))
    shrunk = functional.interpolate(
        style[None], size=size, mode="bilinear", align_corners=False, antialias=True
    )[0]
    with_grain = painted(stylizer, contents, shrunk, reach=reach, uniform=1.0)
    grain = with_grain - painted(stylizer, contents, shrunk, reach=reach)
    gray = torch.full_like(contents[:1], 0.5)
    return changed, grain, painted(stylizer, gray, shrunk, reach=reach, uniform=1.0)


def _means(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.mean(numbers) for name, numbers in values.items()}


def dominant_frequency(pictures: Tensor) -> float:
    """Mean frequency of the spectrum's power, in cycles per pixel."""
    gray = pictures.mean(1) - pictures.mean((1, 2, 3), keepdim=True)[:, 0]
    power = torch.fft.rfft2(gray).abs().square()
    rows = torch.fft.fftfreq(gray.shape[-2]).abs()[:, None]
    columns = torch.fft.rfftfreq(gray.shape[-1])[None]
    frequency = (rows.square() + columns.square()).sqrt()
    return float((power * frequency).sum() / power.sum())


def latencies(stylizer: StylizerModule, side: int, repeats: int = 3) -> dict[str, float]:
    """CPU-seconds of encoding a style and of painting one square picture; the least of the repeats."""
    picture = torch.rand(1, 3, side, side)
    painter = Painter(stylizer.content)
    seconds: dict[str, list[float]] = {"style": [], "content": []}
    with torch.no_grad():
        for _ in range(repeats):
            begun = time.process_time()
            style = stylizer.style(picture)
            seconds["style"].append(time.process_time() - begun)
            begun = time.process_time()
            painter.paint(picture, Conditions([style]))
            seconds["content"].append(time.process_time() - begun)
    return {name: min(values) for name, values in seconds.items()}


def vgg_seconds(side: int) -> dict[str, float]:
    """CPU-seconds of AdaIN-VGG on one square picture, with random weights: encoder and decoder."""
    layers: list[nn.Module] = []
    for layer in _VGG:
        if isinstance(layer, int):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(*layer, 3, padding=1), nn.ReLU()]
    mirrored: list[nn.Module] = []
    for layer in reversed(_VGG):
        if isinstance(layer, int):
            mirrored.append(nn.Upsample(scale_factor=2))
        else:
            mirrored += [nn.Conv2d(layer[1], layer[0], 3, padding=1), nn.ReLU()]
    seconds, maps = {}, torch.rand(1, 3, side, side)
    with torch.no_grad():
        for name, parts in (("vgg_encoder", layers), ("vgg_decoder", mirrored)):
            begun = time.process_time()
            maps = nn.Sequential(*parts)(maps)
            seconds[name] = time.process_time() - begun
    return seconds


def losses_of(
    task: StylizationTask, judge: LossNetwork, contents: Tensor, styles: Tensor
) -> dict[str, dict[str, float]]:
    """Content and style loss of every network by a judge; of ``copy``, of the contents themselves."""
    pictures: dict[str, list[Tensor]] = {name: [] for name in (*task.networks, "copy")}
    with torch.no_grad():
        for content, style in zip(contents.split(1), styles.split(1), strict=True):  # type: ignore[no-untyped-call]
            content_maps = task.loss_network.content(task.loss_network(content))
            batch = PaintingBatch(content, style, content_maps, task.loss_network(style))
            for name, network in task.networks.items():
                assert isinstance(network, Paints)
                pictures[name].append(network.eval().paint(batch))
            pictures["copy"].append(content)
        return {name: _verdict(judge, parts, contents, styles) for name, parts in pictures.items()}


def _verdict(
    judge: LossNetwork, pictures: Sequence[Tensor], contents: Tensor, styles: Tensor
) -> dict[str, float]:
    """Means over pairs."""
    rows = []
    for picture, content, style in zip(pictures, contents.split(1), styles.split(1), strict=True):  # type: ignore[no-untyped-call]
        maps = judge(picture)
        own = content_loss(judge.content(maps), judge.content(judge(content)))
        rows.append(torch.stack([own, style_loss(maps, judge(style))]))
    means = torch.stack(rows).mean(0).tolist()
    return dict(zip(("content_loss", "style_loss"), means, strict=True))
