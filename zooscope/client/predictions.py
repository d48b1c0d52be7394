"""Predictions, distinguished by the media type of the response."""

import io
import zipfile
from dataclasses import dataclass

import httpx

from zooscope.client.results import ImageClasses


@dataclass(frozen=True)
class Prediction:
    """Result of running images through a network. Exactly one attribute is set.

    Attributes:
        classes: The most likely classes of each image.
        pictures: One PNG file for each image.
        npy: The features of all images as the bytes of an npy file.
    """

    classes: list[ImageClasses] | None = None
    pictures: list[bytes] | None = None
    npy: bytes | None = None


def prediction_of(answer: httpx.Response) -> Prediction:
    """The prediction in a response of the zoo."""
    match answer.headers["content-type"].partition(";")[0]:
        case "application/json":
            return Prediction(classes=answer.json()["items"])
        case "image/png":
            return Prediction(pictures=[answer.content])
        case "application/zip":
            return Prediction(pictures=_unzipped(answer.content))
        case _:
            return Prediction(npy=answer.content)


def _unzipped(data: bytes) -> list[bytes]:
    """The PNG files of an archive, in the order of the images."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(f"{index}.png") for index in range(len(archive.namelist()))]
