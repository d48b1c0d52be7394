"""Building blocks of every training: validation split, random shifts, accuracy."""

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

_SMALLEST_STD = 1e-3
_MARGIN_SHARE = 16


def held_out(
    labels: Int64[Tensor, " image"], *, share: float, generator: torch.Generator
) -> Bool[Tensor, " image"]:
    """Mask of the held-out images: about ``share`` of every label, at least one.

    The only image of a label stays in training.
    """
    mask = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(int(labels.max()) + 1):
        indices = (labels == label).nonzero().squeeze(1)
        count = max(0, min(len(indices) - 1, max(1, round(share * len(indices)))))
        shuffled = indices[torch.randperm(len(indices), generator=generator)]
        mask[shuffled[:count]] = True
    return mask


def held_out_classes(
    labels: Int64[Tensor, " image"], *, share: float, generator: torch.Generator
) -> Bool[Tensor, " image"]:
    """Mask of the images of about ``share`` of the labels, at least two; -1 stays in training."""
    present = labels[labels >= 0].bincount().nonzero().squeeze(1)
    count = max(2, round(share * len(present)))
    order = torch.randperm(len(present), generator=generator)
    return torch.isin(labels, present[order[:count]])


def color_statistics(
    images: UInt8[Tensor, "image side side 3"],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of red, green and blue in [0, 1]; no deviation below 0.001."""
    pixels = images.reshape(-1, 3).double() / 255
    mean, std = pixels.mean(dim=0), pixels.std(dim=0).clamp_min(_SMALLEST_STD)
    return tuple(mean.tolist()), tuple(std.tolist())


def shifted(
    images: Float[Tensor, "image channel row column"], *, generator: torch.Generator
) -> Float[Tensor, "image channel row column"]:
    """The batch shifted by up to a sixteenth of its side, all images alike; borders are mirrored."""
    rows, columns = _shift(images.shape[-2], images.shape[-1], generator)
    return images[..., rows, :][..., columns]


def _shift(height: int, width: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which row and column of an image every one of a shifted image is."""
    margin = max(1, width // _MARGIN_SHARE)
    down, right = torch.randint(2 * margin + 1, (2,), generator=generator).tolist()
    return _mirrored(height, down - margin), _mirrored(width, right - margin)


def _mirrored(length: int, start: int) -> Int64[Tensor, " index"]:
    """``length`` consecutive indices from ``start`` on, mirrored at the first and the last one."""
    last = length - 1
    return last - (last - (torch.arange(length) + start).abs()).abs()


def drawn_frames(
    images: UInt8[Tensor, "image side side 3"], size: int, *, generator: torch.Generator
) -> tuple[UInt8[Tensor, "drawn side side 3"], Int64[Tensor, " drawn"]]:
    """A random batch without repetition, shifted like ``shifted``, and the images' indices."""
    indices = torch.randperm(len(images), generator=generator)[: min(size, len(images))]
    rows, columns = _shift(images.shape[1], images.shape[2], generator)
    return images[indices][:, rows][:, :, columns], indices


def accuracy(
    logits: Float[Tensor, "image label"], labels: Int64[Tensor, " image"]
) -> Float[Tensor, ""]:
    """Share of images whose largest logit is that of their label."""
    return (logits.argmax(dim=1) == labels).float().mean()
