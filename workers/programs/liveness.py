"""The memory of a pass, computed from its graph: what lives at once, without and with gradients.

Values that share memory, such as views, count once. A value lives from the call that makes it to
the last call that touches it; with gradients it lives until the backward pass has gone back beyond
its call, and so does a gradient from the last reader of a value back to its maker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class PassKind(StrEnum):
    """Whether a pass over images is followed by one back to their gradient."""

    FORWARD = "forward"
    GRADIENT = "gradient"


@dataclass(frozen=True)
class TracedCall:
    """The memory that one call makes and touches, by number of the memory.

    Attributes:
        made: Bytes of the memory that the call makes.
        touched: Memory that it reads or makes, except the weights'.
        gradients: Bytes of the gradient of each output slot; it is dense even if the value is not.
        reads: Slots that the call reads.
        per_image: Whether the sizes grow with the number of images.
    """

    made: Mapping[int, int]
    touched: frozenset[int]
    gradients: Mapping[int, int]
    reads: tuple[int, ...]
    per_image: bool


@dataclass(frozen=True)
class MemoryTrace:
    """A pass over ``batch`` images: its calls, and what lives to the end.

    Attributes:
        image_bytes: Bytes of the images.
        results: Memory that holds the outputs.
    """

    calls: tuple[TracedCall, ...]
    batch: int
    image_bytes: int
    results: frozenset[int]

    def bytes_made(self, images: int) -> int:
        """Bytes of all values that a pass over ``images`` makes, one after the other."""
        scale = _Scale(images, self.batch)
        sizes = ((sum(call.made.values()), call.per_image) for call in self.calls)
        return sum(scale.of(size) if per_image else size for size, per_image in sizes)

    def largest_value(self) -> int:
        """Bytes of the largest value that depends on one image, or of the image."""
        made = (size for call in self.calls if call.per_image for size in call.made.values())
        return _Scale(1, self.batch).of(max(made, default=self.image_bytes))

    def peak(self, images: int, kind: PassKind) -> int:
        """Most bytes of values that live at once in a pass over ``images``, images included."""
        if kind is PassKind.FORWARD:
            return self.forward_peak(images)
        return self.gradient_peak(images)

    def forward_peak(self, images: int) -> int:
        """Most bytes at once without gradients."""
        scale = _Scale(images, self.batch)
        return scale.of(self.image_bytes) + max(self._live(scale), default=0)

    def gradient_peak(self, images: int) -> int:
        """Most bytes at once if the gradient of ``images`` is wanted.

        All values that depend on the images are assumed to be kept for the backward pass, which is
        an upper bound.
        """
        scale = _Scale(images, self.batch)
        saved, most = 0, 0
        rows = zip(self.calls, self._live(scale), self._live_gradients(scale), strict=True)
        for call, live, gradients in rows:
            saved += scale.of(sum(call.made.values())) if call.per_image else 0
            most = max(most, live + gradients + saved)
        return 2 * scale.of(self.image_bytes) + most

    def _live(self, scale: "_Scale") -> Sequence[int]:
        """Bytes of values that live during each call."""
        last = {memory: index for index, call in enumerate(self.calls) for memory in call.touched}
        sizes: dict[int, int] = {}
        live, amounts = 0, []
        for index, call in enumerate(self.calls):
            for memory, size in call.made.items():
                sizes[memory] = scale.of(size) if call.per_image else size
                live += sizes[memory]
            amounts.append(live)
            ended = (m for m in call.touched if last[m] == index and m not in self.results)
            live -= sum(sizes.get(memory, 0) for memory in ended)
        return amounts

    def _live_gradients(self, scale: "_Scale") -> Sequence[int]:
        """Bytes of gradients that live during the backward pass of each call."""
        last = {slot: index for index, call in enumerate(self.calls) for slot in call.reads}
        ending: dict[int, int] = {}
        live, amounts = 0, []
        for index, call in enumerate(self.calls):
            own = {slot: scale.of(size) for slot, size in call.gradients.items() if call.per_image}
            live += sum(own.values())
            amounts.append(live)
            for slot, size in own.items():
                end = last.get(slot, index)
                ending[end] = ending.get(end, 0) + size
            live -= ending.pop(index, 0)
        return amounts


@dataclass(frozen=True)
class _Scale:
    """Sizes traced for a batch, as they are for another number of images."""

    images: int
    batch: int

    def of(self, traced_bytes: int) -> int:
        return -(-traced_bytes * self.images // self.batch)
