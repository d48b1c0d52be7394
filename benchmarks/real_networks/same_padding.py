"""TensorFlow's "SAME" padding: the output has ceil(size / stride) pixels, odd pixels go to the end."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional


def pad_same(
    images: Tensor, kernel: Sequence[int], stride: Sequence[int], *, value: float = 0.0
) -> Tensor:
    """(n, c, h, w) with the border that a kernel (rows, columns) at a stride needs."""
    rows = _around(images.shape[2], kernel[0], stride[0])
    columns = _around(images.shape[3], kernel[1], stride[1])
    if not any(rows + columns):
        return images
    return functional.pad(images, (*columns, *rows), value=value)


def _around(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Pixels before and after."""
    steps = -(-size // stride)
    total = max((steps - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
