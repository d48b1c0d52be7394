"""Prediction requests and responses, as messages between an API and a worker."""

import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from service.core.frames import pack, unpack

MOST_IMAGES = 64
LARGEST_TOP_K = 1000


class OutputKind(StrEnum):
    """The kind of output.

    ``classes``: the most probable classes of a classifier. ``image``: a dense output as an image.
    ``features``: the activations of a layer.
    """

    CLASSES = "classes"
    IMAGE = "image"
    FEATURES = "features"


@dataclass(frozen=True)
class PredictRequest:
    """Images for a network.

    Attributes:
        id: Identifies the response.
        program: Digest of the network's executable form.
        model: Input specification, kind of task and feature layer.
        output: The requested output; None takes the default for the network's output.
        layer: The layer to read for features; None means the feature layer.
        images: Encoded image files.
        expires_at: Seconds since 1970 after which the caller no longer waits.
    """

    id: str
    program: str
    model: dict[str, Any]
    output: OutputKind | None
    layer: str | None
    top_k: int
    images: tuple[bytes, ...]
    expires_at: float

    @property
    def kin(self) -> tuple[str, str | None, str | None]:
        """Requests with equal keys share a forward pass."""
        return self.program, self.output, self.layer

    @property
    def expired(self) -> bool:
        """Whether the caller no longer waits for the response."""
        return time.time() > self.expires_at

    def packed(self) -> bytes:
        """The request as bytes."""
        header = {name: value for name, value in vars(self).items() if name != "images"}
        return pack(header, self.images)

    @classmethod
    def unpacked(cls, data: bytes) -> "PredictRequest":
        """The request from bytes. Raises InvalidRequestError."""
        header, images = unpack(data)
        output = header["output"]
        header["output"] = None if output is None else OutputKind(output)
        return cls(**header, images=tuple(images))


@dataclass(frozen=True)
class PredictResponse:
    """The output of a network for the images of one request.

    Attributes:
        kind: The kind of output; None for an error.
        classes: For ``classes``: for each image {index, probability}, most probable first.
        parts: For ``image`` one PNG per image; for ``features`` one npy file for all images.
        error: {code, detail, remedy, pointer}, or None.
    """

    kind: OutputKind | None
    classes: list[list[dict[str, Any]]] = field(default_factory=list)
    parts: tuple[bytes, ...] = ()
    error: dict[str, Any] | None = None

    def packed(self) -> bytes:
        """The response as bytes."""
        header = {"kind": self.kind, "classes": self.classes, "error": self.error}
        return pack(header, self.parts)

    @classmethod
    def unpacked(cls, data: bytes) -> "PredictResponse":
        """The response from bytes. Raises InvalidRequestError."""
        header, parts = unpack(data)
        kind = header["kind"]
        response = cls(None, header["classes"], tuple(parts), header["error"])
        return replace(response, kind=None if kind is None else OutputKind(kind))
