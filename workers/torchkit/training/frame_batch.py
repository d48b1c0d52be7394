"""A batch of frames as several networks see it."""

from torch import Tensor

from service.core.manifest import InputSpec
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input


class FrameBatch:
    """Canonical frames (image, side, side, 3), converted once for every preprocessing."""

    def __init__(self, frames: Tensor) -> None:
        self._frames = frames
        self._inputs: dict[Preprocessing, Tensor] = {}

    def of(self, spec: InputSpec) -> Tensor:
        """The frames as inputs (image, channel, row, column), on the CPU."""
        preprocessing = Preprocessing.of(spec)
        if preprocessing not in self._inputs:
            self._inputs[preprocessing] = to_network_input(self._frames, preprocessing)
        return self._inputs[preprocessing]
