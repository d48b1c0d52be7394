"""Images as a client gets them: their bytes, and the same for Pillow and notebooks."""

import io
from typing import Any

from zooscope.client.extras import imported

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


class ImageBytes(bytes):
    """The bytes of an image file; ``to_pil()`` decodes them, and notebooks show them."""

    def to_pil(self) -> Any:
        """The image as a ``PIL.Image.Image``.

        Raises:
            ZooClientError: ``extra_missing``.
        """
        image = imported("PIL.Image", purpose="to_pil()").open(io.BytesIO(self))
        image.load()
        return image

    def _repr_png_(self) -> bytes | None:
        """The file, for notebooks, if it is a PNG."""
        return bytes(self) if self.startswith(_PNG) else None

    def _repr_jpeg_(self) -> bytes | None:
        """The file, for notebooks, if it is a JPEG."""
        return bytes(self) if self.startswith(_JPEG) else None
