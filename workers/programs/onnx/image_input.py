"""What the input of an ONNX graph says about the images that it takes."""

from dataclasses import dataclass

from service.core.counts import counted
from workers.programs import limits
from workers.programs.onnx.graph import OnnxInput
from workers.programs.refusal import ProgramRefusedError

_RANK = 4
_CHANNELS = {1, 3}
_FLOATS = {1, 10, 11, 16}


@dataclass(frozen=True)
class ImageInput:
    """Channels, height and width of an image; None for a size that the file leaves free.

    ``batch`` is the number of images that the file fixes.
    """

    channels: int | None
    height: int | None
    width: int | None
    batch: int | None
    channels_last: bool

    def shape(self, *, channels: int, height: int, width: int) -> tuple[int, int, int]:
        """The shape of an image, with these sizes where the file states none.

        Raises:
            ProgramRefusedError: ``image_too_large``.
        """
        shape = (self.channels or channels, self.height or height, self.width or width)
        if max(shape[1:]) > limits.IMAGE_SIDE:
            raise ProgramRefusedError(
                "image_too_large",
                f"the input is {shape[1]} × {shape[2]} pixels",
                f"export for at most {limits.IMAGE_SIDE} pixels a side",
            )
        return shape


def image_input_of(declared: OnnxInput) -> ImageInput:
    """The images that a graph takes.

    Raises:
        ProgramRefusedError: ``input_not_an_image``, or ``fixed_batch`` for more images than a pass may have.
    """
    axes = declared.axes
    if len(axes) != _RANK or declared.element_type not in _FLOATS:
        raise ProgramRefusedError(
            "input_not_an_image",
            f"the input {declared.name[:80]!r} is not a batch of images of floats with four axes",
            "export forward(images) for images (n, channels, height, width) in float32",
        )
    batch, first, second, last = axes
    channels_last = last in _CHANNELS and first not in _CHANNELS
    channels = last if channels_last else first
    if channels is not None and channels not in _CHANNELS:
        raise ProgramRefusedError(
            "input_not_an_image", f"the input has {channels} channels", "export it for 1 or 3"
        )
    if batch is not None and batch > limits.LIST_ITEMS:
        raise ProgramRefusedError(
            "size_out_of_range",
            f"the batch is fixed to {counted(batch, 'image')}",
            "export with a free batch axis",
        )
    height, width = (first, second) if channels_last else (second, last)
    return ImageInput(channels, height, width, batch, channels_last)
