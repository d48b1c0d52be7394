"""Resizing of images, and sampling at stated positions."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from workers.programs import limits
from workers.programs.onnx.call import Call

_IMAGES_RANK = 4
_CUBIC_COEFFICIENT = -0.75
_SAMPLE_MODES = {"bilinear": "bilinear", "linear": "bilinear", "nearest": "nearest",
                 "bicubic": "bicubic", "cubic": "bicubic"}  # fmt: skip


@dataclass(frozen=True)
class _Scaling:
    """One axis: ``old`` pixels become ``new``, which is ``scale`` times as many."""

    old: int
    new: int
    scale: float

    @property
    def is_exact(self) -> bool:
        """Whether the scale is the ratio of the sizes, as torch assumes."""
        return abs(self.scale * self.old - self.new) < 1e-3  # noqa: PLR2004 - of a pixel

    def positions(self, mode: str) -> list[float]:
        """Where the new pixels lie among the old ones."""
        if mode == "align_corners":
            step = (self.old - 1) / (self.new - 1) if self.new > 1 else 0.0
            return [pixel * step for pixel in range(self.new)]
        if mode == "asymmetric":
            return [pixel / self.scale for pixel in range(self.new)]
        if mode == "tf_half_pixel_for_nn":
            return [(pixel + 0.5) / self.scale for pixel in range(self.new)]
        if mode == "pytorch_half_pixel" and self.new == 1:
            return [0.0]
        return [(pixel + 0.5) / self.scale - 0.5 for pixel in range(self.new)]


_POSITIONS = {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
              "tf_half_pixel_for_nn"}  # fmt: skip
_NEAREST: Mapping[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda position: math.ceil(position - 0.5),
    "round_prefer_ceil": lambda position: math.floor(position + 0.5),
    "floor": math.floor,
    "ceil": math.ceil,
}


def _resize(call: Call) -> Tensor:
    images, attributes = call.tensor(0), call.attributes
    scalings = _scalings(call, images)
    positions = attributes.text("coordinate_transformation_mode", "half_pixel")
    attributes.decimal("extrapolation_value", 0.0)
    if positions not in _POSITIONS:
        raise attributes.unfit("coordinate_transformation_mode")
    mode = attributes.text("mode", "nearest")
    if mode == "nearest":
        return _nearest(call, images, scalings, positions)
    if mode == "linear":
        return _linear(call, images, scalings, positions)
    if mode == "cubic":
        return _cubic(call, images, scalings, positions)
    raise attributes.unfit("mode")


def _scalings(call: Call, images: Tensor) -> dict[int, _Scaling]:
    """The axes whose size changes."""
    axes = call.attributes.integers("axes")
    axes = list(range(images.ndim)) if axes is None else [axis % images.ndim for axis in axes]
    by_scales = call.has(2) and call.numbers(2).size > 0
    stated = call.numbers(2 if by_scales else 3).reshape(-1).tolist()
    if len(stated) != len(axes):
        raise call.refused("does not state a size for every axis")
    if call.attributes.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise call.attributes.unfit("keep_aspect_ratio_policy")
    scalings: dict[int, _Scaling] = {}
    for axis, number in zip(axes, stated, strict=True):
        old = images.shape[axis]
        if axis == 0 or (by_scales and number == 1.0):
            continue
        new = math.floor(old * number) if by_scales else int(number)
        if not 0 < new <= limits.IMAGE_SIDE:
            raise call.refused(f"makes an axis of {new} pixels")
        if new != old:
            scalings[axis] = _Scaling(old, new, number if by_scales else new / old)
    return scalings


def _nearest(
    call: Call, images: Tensor, scalings: Mapping[int, _Scaling], positions: str
) -> Tensor:
    rounding = _NEAREST.get(call.attributes.text("nearest_mode", "round_prefer_floor"))
    if rounding is None:
        raise call.attributes.unfit("nearest_mode")
    for axis, scaling in scalings.items():
        sources = [
            min(max(rounding(position), 0), scaling.old - 1)
            for position in scaling.positions(positions)
        ]
        images = images.index_select(axis, torch.tensor(sources))
    return images


def _linear(
    call: Call, images: Tensor, scalings: Mapping[int, _Scaling], positions: str
) -> Tensor:
    antialias = call.attributes.flag("antialias")
    if _is_like_torch(images, scalings, positions):
        return functional.interpolate(
            images,
            size=_new_size(images, scalings),
            mode="bilinear",
            align_corners=positions == "align_corners",
            antialias=antialias,
        )
    if antialias:
        raise call.attributes.unfit("antialias")
    for axis, scaling in scalings.items():
        images = _blended(images, axis, scaling, positions)
    return images


def _blended(images: Tensor, axis: int, scaling: _Scaling, positions: str) -> Tensor:
    """The images with one axis resized: every new pixel is a blend of its two neighbors."""
    last = scaling.old - 1
    clamped = [min(max(position, 0.0), float(last)) for position in scaling.positions(positions)]
    lower = [min(math.floor(position), last) for position in clamped]
    shares = [position - below for position, below in zip(clamped, lower, strict=True)]
    upper = [min(below + 1, last) for below in lower]
    share = torch.tensor(shares).reshape([-1 if at == axis else 1 for at in range(images.ndim)])
    low = images.index_select(axis, torch.tensor(lower))
    return low + share * (images.index_select(axis, torch.tensor(upper)) - low)


def _cubic(call: Call, images: Tensor, scalings: Mapping[int, _Scaling], positions: str) -> Tensor:
    coefficient = call.attributes.decimal("cubic_coeff_a", _CUBIC_COEFFICIENT)
    if coefficient != _CUBIC_COEFFICIENT or call.attributes.flag("exclude_outside"):
        raise call.attributes.unfit("cubic_coeff_a")
    if not _is_like_torch(images, scalings, positions):
        raise call.attributes.unfit("coordinate_transformation_mode")
    return functional.interpolate(
        images,
        size=_new_size(images, scalings),
        mode="bicubic",
        align_corners=positions == "align_corners",
        antialias=call.attributes.flag("antialias"),
    )


def _is_like_torch(images: Tensor, scalings: Mapping[int, _Scaling], positions: str) -> bool:
    """Whether ``interpolate`` gives the same pixels."""
    usual = positions in {"half_pixel", "align_corners"} or (
        positions == "pytorch_half_pixel" and all(scaling.new > 1 for scaling in scalings.values())
    )
    is_spatial = images.ndim == _IMAGES_RANK and scalings.keys() <= {2, 3}
    return usual and is_spatial and all(scaling.is_exact for scaling in scalings.values())


def _new_size(images: Tensor, scalings: Mapping[int, _Scaling]) -> list[int]:
    return [scalings[axis].new if axis in scalings else images.shape[axis] for axis in (2, 3)]


def _grid_sample(call: Call) -> Tensor:
    attributes = call.attributes
    mode = _SAMPLE_MODES.get(attributes.text("mode", "linear"))
    if mode is None:
        raise attributes.unfit("mode")
    return functional.grid_sample(
        call.tensor(0),
        call.tensor(1),
        mode=mode,
        padding_mode=attributes.text("padding_mode", "zeros"),
        align_corners=attributes.flag("align_corners"),
    )


RESIZING: Mapping[str, Callable[[Call], Tensor]] = {
    "Resize": _resize,
    "GridSample": _grid_sample,
}
