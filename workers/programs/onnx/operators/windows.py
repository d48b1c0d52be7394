"""How a window slides over an image: its size, steps and padding, shared by convolutions and pooling."""

from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn import functional

from workers.programs.onnx.call import Call


@dataclass(frozen=True)
class Window:
    """Size, step and spacing of a window per axis, and the padding ``before`` and ``after`` the image."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def is_symmetric(self) -> bool:
        """Whether the padding is the same on both sides."""
        return self.before == self.after

    def padded(self, images: Tensor, value: float = 0.0) -> Tensor:
        """The images with the window's padding."""
        if not any((*self.before, *self.after)):
            return images
        pads: list[int] = []
        for before, after in zip(reversed(self.before), reversed(self.after), strict=True):
            pads += [before, after]
        return functional.pad(images, pads, value=value)


def window_of(call: Call, kernel: tuple[int, ...], sizes: tuple[int, ...]) -> Window:
    """The window that a node's attributes describe.

    Args:
        call: The node.
        kernel: Size of the window.
        sizes: Size of the image, for padding that depends on it.
    """
    rank = len(kernel)
    stride = _per_axis(call, "strides", [1] * rank)
    dilation = _per_axis(call, "dilations", [1] * rank)
    pads = _per_axis(call, "pads", [0] * 2 * rank, least=None)
    window = Window(kernel, stride, dilation, pads[:rank], pads[rank:])
    mode = call.attributes.text("auto_pad", "NOTSET") or "NOTSET"
    if mode in {"SAME_UPPER", "SAME_LOWER"}:
        return _same(window, sizes, upper=mode == "SAME_UPPER")
    if mode == "VALID":
        return replace(window, before=(0,) * rank, after=(0,) * rank)
    if mode != "NOTSET":
        raise call.attributes.unfit("auto_pad")
    return window


def _per_axis(call: Call, name: str, default: list[int], least: int | None = 1) -> tuple[int, ...]:
    values = call.attributes.integers(name)
    values = default if values is None else values
    if len(values) != len(default) or (least is not None and min(values, default=1) < least):
        raise call.attributes.unfit(name)
    return tuple(values)


def _same(window: Window, sizes: tuple[int, ...], *, upper: bool) -> Window:
    """The window with the padding for which an axis of n pixels gives ⌈n / stride⌉ results."""
    before: list[int] = []
    after: list[int] = []
    for index, size in enumerate(sizes):
        steps = -(-size // window.stride[index])
        reach = (window.kernel[index] - 1) * window.dilation[index] + 1
        total = max((steps - 1) * window.stride[index] + reach - size, 0)
        half, rest = divmod(total, 2)
        before.append(half if upper else half + rest)
        after.append(half + rest if upper else half)
    return replace(window, before=tuple(before), after=tuple(after))
