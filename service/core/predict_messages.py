"""A question to a network and its answer, as they travel between a door and a worker."""

import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from service.core.frames import pack, unpack

MOST_IMAGES = 64
LARGEST_TOP_K = 1000


class OutputKind(StrEnum):
    """What is wanted of a network.

    ``classes``: the likeliest classes of a classifier. ``image``: a dense answer as a picture.
    ``features``: the numbers of a layer.
    """

    CLASSES = "classes"
    IMAGE = "image"
    FEATURES = "features"


@dataclass(frozen=True)
class PredictRequest:
    """Images for a network.

    Attributes:
        id: Names the place where the answer is laid.
        program: Digest of the network's executable form.
        model: What a reader needs beside that: input specification, kind of task, feature layer.
        output: What is wanted; None leaves it to the shape of the network's answer.
        layer: The layer to read for features; None means the feature layer.
        images: Encoded image files.
        expires_at: Seconds since 1970 after which nobody waits any more.
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
        """Questions with equal ones are answered in one pass of the network."""
        return self.program, self.output, self.layer

    @property
    def expired(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return time.time() > self.expires_at

    def packed(self) -> bytes:
        """The question as bytes."""
        told = {name: value for name, value in vars(self).items() if name != "images"}
        return pack(told, self.images)

    @classmethod
    def unpacked(cls, data: bytes) -> "PredictRequest":
        """The question in bytes. Raises InvalidRequestError."""
        told, images = unpack(data)
        output = told["output"]
        told["output"] = None if output is None else OutputKind(output)
        return cls(**told, images=tuple(images))


@dataclass(frozen=True)
class PredictResponse:
    """What a network says to the images of one question.

    Attributes:
        kind: What it is; None for an error.
        classes: For ``classes``: for each image {index, probability}, likeliest first.
        parts: For ``image`` one PNG for each image; for ``features`` one npy file of all of them.
        error: {code, detail, remedy, pointer} when there is no answer.
    """

    kind: OutputKind | None
    classes: list[list[dict[str, Any]]] = field(default_factory=list)
    parts: tuple[bytes, ...] = ()
    error: dict[str, Any] | None = None

    def packed(self) -> bytes:
        """The answer as bytes."""
        told = {"kind": self.kind, "classes": self.classes, "error": self.error}
        return pack(told, self.parts)

    @classmethod
    def unpacked(cls, data: bytes) -> "PredictResponse":
        """The answer in bytes. Raises InvalidRequestError."""
        told, parts = unpack(data)
        kind = told["kind"]
        answer = cls(None, told["classes"], tuple(parts), told["error"])
        return replace(answer, kind=None if kind is None else OutputKind(kind))
