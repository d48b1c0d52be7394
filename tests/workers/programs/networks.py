"""Small networks and their archives, for the tests of this folder."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

SHAPE = (3, 12, 12)


class Plain(nn.Module):
    """Convolution, batch norm, in-place ReLU, pooling, linear: the usual small classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU(inplace=True)
        self.body = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2), nn.ReLU())
        self.head = nn.Linear(8, 5)

    def forward(self, images: Tensor) -> Tensor:
        values = self.body(self.act(self.norm(self.conv(images))))
        return self.head(functional.adaptive_avg_pool2d(values, 1).flatten(1))


class PreactivationBlock(nn.Module):
    """A pre-activation block whose shortcut is read after it was overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.inner = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        values = self.stem(images)
        active = functional.relu_(values)
        active = self.inner(active)
        active += values
        return active.mean((2, 3))


class ViewWriter(nn.Module):
    """Overwrites a part of a tensor that is read as a whole afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        values = self.stem(images)
        values[:, :2].mul_(3.0)
        half = values[:, 2:]
        half.sigmoid_()
        return torch.cat([values.mean((2, 3)), half.amax((2, 3))], 1)


class Attention(nn.Module):
    """Patches, position embedding, attention, layer norm; needs the batch size as a number."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.position = nn.Parameter(torch.randn(1, 10, 8))
        self.mix = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)

    def forward(self, images: Tensor) -> Tensor:
        values = self.patches(images).flatten(2).transpose(1, 2)
        values = torch.cat([self.token.expand(values.shape[0], -1, -1), values], 1) + self.position
        values = values + self.mix(values, values, values, need_weights=False)[0]
        return self.head(functional.gelu(self.norm(values))[:, 0])


class Windows(nn.Module):
    """Folds windows into the batch axis, as shifted-window transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3, 3)
        self.register_buffer("index", torch.arange(9).flip(0), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        count = images.shape[0]
        values = images.reshape(count, 3, 4, 3, 4, 3).permute(0, 2, 4, 3, 5, 1).reshape(-1, 9, 3)
        values = self.mix(values)[:, self.index].softmax(-1)
        return values.view(count, 16, 9, 3).mean((1, 2))


class Segmenter(nn.Module):
    """Two maps in a dictionary, resized to the image."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.score = nn.Conv2d(4, 2, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        values = functional.relu(self.down(images))
        maps = self.score(functional.silu(self.up(values)))
        coarse = functional.interpolate(values, size=images.shape[-2:], mode="bilinear")
        return {"out": maps, "aux": coarse}


class FixedBatch(nn.Module):
    """Works for four images at a time and no other number."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images).relu().view(4, 4, 100).mean(-1)


NETWORKS = {
    network.__name__: network
    for network in (Plain, PreactivationBlock, ViewWriter, Attention, Windows, Segmenter)
}


def made(kind: type[nn.Module]) -> nn.Module:
    """A network with random weights that are the same every time, in evaluation mode."""
    torch.manual_seed(7)
    network = kind()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network.eval()


def images(count: int, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    """Noise that is the same every time."""
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(count))


def write_archive(
    network: nn.Module, path: Path, *, batch: int | None = None, example: Tensor | None = None
) -> Path:
    """``network`` as ``torch.export.save`` writes it; the batch axis is free unless ``batch``."""
    sample = example if example is not None else images(batch if batch is not None else 2)
    free = ({0: torch.export.Dim("batch", min=1, max=512)},) if batch is None else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(network, (sample,), dynamic_shapes=free), path)
    return path
