"""The one encoder of all sources, and the small decoder that every task gets."""

from torch import Tensor, nn

from benchmarks.taskonomy.targets import luma

MEAN, SPREAD = 0.5, 0.25
FEATURES = 64


def _block(into: int, out: int, *, kernel: int, stride: int) -> tuple[nn.Module, ...]:
    padding = (kernel - 1) // 2
    convolution = nn.Conv2d(into, out, kernel, stride=stride, padding=padding, bias=False)
    return convolution, nn.BatchNorm2d(out), nn.ReLU()


class TaskEncoder(nn.Module):
    """32 × 32 pixels, standardized, to F of 64 × 4 × 4, none below 0: six convolutions, 174 000 weights.

    One plane is taken for three equal ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_block(3, 24, kernel=4, stride=2),
            *_block(24, 24, kernel=3, stride=1),
            *_block(24, 48, kernel=4, stride=2),
            *_block(48, 48, kernel=3, stride=1),
            *_block(48, 96, kernel=4, stride=2),
            *_block(96, FEATURES, kernel=3, stride=1),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """F of standardized pixels."""
        features: Tensor = self.layers(inputs.expand(-1, 3, -1, -1))
        return features


class Decoder(nn.Module):
    """Answers from F: one 3 × 3 convolution, then a linear map of each place or of all places."""

    def __init__(self, numbers: int, *, hidden: int, whole: int | None) -> None:
        super().__init__()
        last: tuple[nn.Module, ...] = (nn.Conv2d(hidden, numbers, 1),)
        if whole is not None:
            last = (nn.Flatten(), nn.Linear(hidden * whole, numbers))
        self.layers = nn.Sequential(nn.Conv2d(FEATURES, hidden, 3, padding=1), nn.ReLU(), *last)

    def forward(self, features: Tensor) -> Tensor:
        """Logits, or cells of pixels."""
        outputs: Tensor = self.layers(features)
        return outputs


def encoder_inputs(frames: Tensor, planes: int) -> Tensor:
    """Frames as an encoder sees them: (x − 0.5)/0.25 of three planes, or of luma alone."""
    shown = frames if planes == 3 else luma(frames)
    return (shown - MEAN) / SPREAD
