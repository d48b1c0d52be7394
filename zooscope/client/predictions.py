"""Predictions, distinguished by the media type of the response."""

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from zooscope.client.file_names import wire_name
from zooscope.client.pictures import ImageBytes
from zooscope.client.results import ClipText, ImageClasses, Support


@dataclass(frozen=True, kw_only=True)
class FewShotSupport:
    """The classes that a few-shot learner chooses between: labeled files, or a stored dataset.

    Attributes:
        files: Image files of each class.
        dataset_id: Labeled dataset to draw from instead.
        classes: Labels of the dataset to choose between; empty for all.
        shots: Images of each class to draw from the dataset; None for all.
        seed: Seed of that draw.
        prior: Number of images that the learner's experience with base classes counts as; None for
            the learned number.
    """

    files: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    dataset_id: str | None = None
    classes: Sequence[str] = ()
    shots: int | None = None
    seed: int | None = None
    prior: float | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Everything but the files, as parameters of the request."""
        return {
            "support_dataset": self.dataset_id,
            "classes": list(self.classes) or None,
            "shots": self.shots,
            "seed": self.seed,
            "prior": self.prior,
        }

    @property
    def labeled_files(self) -> list[tuple[str, Path]]:
        """Every file with its label."""
        return [(label, path) for label, paths in self.files.items() for path in paths]


@dataclass(frozen=True, kw_only=True)
class Styles:
    """The styles that a stylizer paints in, and how; None leaves a choice to the service.

    Attributes:
        files: Image files of the styles: every image is painted in each.
        dataset_id: Dataset whose pictures are the styles instead.
        positions: Positions of its pictures to paint in, from 0; empty for all.
        masks: Gray image files, one for each style, bright where it counts: all styles go into one
            picture.
        weights: How much each style counts: all styles go into one picture.
        strength: 0 returns the pixels as they are, 1 is the full style.
        preserve_color: ``none``, or ``chroma`` to keep hue and saturation of the images.
        stroke: Size of strokes, 0.5 to 4, relative to training.
        stroke_map: Gray image file of stroke sizes: 0.5 at black, ``stroke`` at white.
        uniform_strokes: How much grain flat areas get, 0 to 1.
        seed: Seed of that grain.
        format: ``png`` or ``jpeg``.
        max_side: Side to which larger images are reduced.
        sheet: Whether the answer is one picture of all: images in rows, styles in columns.
    """

    files: Sequence[Path] = ()
    dataset_id: str | None = None
    positions: Sequence[int] = ()
    masks: Sequence[Path] = ()
    weights: Sequence[float] | None = None
    strength: float | None = None
    preserve_color: str | None = None
    stroke: float | None = None
    stroke_map: Path | None = None
    uniform_strokes: float | None = None
    seed: int | None = None
    format: str | None = None
    max_side: int | None = None
    sheet: bool | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Everything but the files, as parameters of the request."""
        names = ("strength", "preserve_color", "stroke", "uniform_strokes", "seed", "format")
        values = {name: getattr(self, name) for name in (*names, "max_side", "sheet")}
        weights = None if self.weights is None else list(self.weights)
        stored = {"style_dataset": self.dataset_id, "style_images": list(self.positions) or None}
        return {**values, **stored, "style_weights": weights}

    @property
    def form_files(self) -> list[Any]:
        """The files of a form."""
        named = [("styles", path) for path in self.files] + [
            ("masks", path) for path in self.masks
        ]
        named += [] if self.stroke_map is None else [("stroke_map", self.stroke_map)]
        return [(name, (wire_name(path.name), path.read_bytes())) for name, path in named]


@dataclass(frozen=True, kw_only=True)
class Clips:
    """The clips that a reader reads, and how; None leaves a choice to the service.

    Attributes:
        files: Clip files, up to 16.
        dataset_id: Dataset whose clips are read instead.
        indices: Positions of its clips to read, from 0; empty for all.
        beam_width: Texts that the search keeps at each step, 1 to 10; 1 is greedy.
        alternatives: Further texts to return for each clip, fewer than ``beam_width``.
        crop: Part of the frames that a lip reader reads: ``found``, ``given`` or ``full``.
        crop_box: Left, top, width and height of the given part, in shares of the frame.
    """

    files: Sequence[Path] = ()
    dataset_id: str | None = None
    indices: Sequence[int] = ()
    beam_width: int | None = None
    alternatives: int | None = None
    crop: str | None = None
    crop_box: Sequence[float] | None = None

    @property
    def params(self) -> dict[str, Any]:
        """Everything but the files, as parameters of the request."""
        return {
            "clip_dataset": self.dataset_id,
            "clip_indices": list(self.indices) or None,
            "beam_width": self.beam_width,
            "alternatives": self.alternatives,
            "crop": self.crop,
            "crop_box": None if self.crop_box is None else list(self.crop_box),
        }

    @property
    def form_files(self) -> list[Any]:
        """The files of a form."""
        return [("clips", (wire_name(path.name), path.read_bytes())) for path in self.files]


def support_form(support: FewShotSupport) -> tuple[list[Any], dict[str, list[str]]]:
    """The files and the fields of a form."""
    labeled = support.labeled_files
    files = [("support", (wire_name(path.name), path.read_bytes())) for _, path in labeled]
    return files, {"support_labels": [label for label, _ in labeled]}


@dataclass(frozen=True)
class Prediction:
    """Result of running images or clips through a network. Exactly one of the first four is set.

    Attributes:
        classes: The most likely classes of each image.
        pictures: One picture file for each image, or for each image and style, image by image; or one
            sheet of all.
        npy: The features of all images as the bytes of an npy file.
        texts: What a reader reads in each clip.
        support: What a few-shot learner made of its support.
    """

    classes: list[ImageClasses] | None = None
    pictures: list[ImageBytes] | None = None
    npy: bytes | None = None
    texts: list[ClipText] | None = None
    support: Support | None = None

    def attention(self) -> dict[int, ImageBytes]:
        """What each text attends to, as a picture, by the position of its clip in the request."""
        return {
            text["clip"]: ImageBytes(base64.b64decode(picture))
            for text in self.texts or ()
            if (picture := text.get("attention_png")) is not None
        }


def prediction_of(answer: httpx.Response) -> Prediction:
    """The prediction in a response of the zoo."""
    match answer.headers["content-type"].partition(";")[0]:
        case "application/json":
            body = answer.json()
            if body["output"] == "texts":
                return Prediction(texts=body["items"])
            return Prediction(classes=body["items"], support=body.get("support"))
        case "image/png" | "image/jpeg":
            return Prediction(pictures=[ImageBytes(answer.content)])
        case "application/zip":
            return Prediction(pictures=_unzipped(answer.content))
        case _:
            return Prediction(npy=answer.content)


def _unzipped(data: bytes) -> list[ImageBytes]:
    """The pictures of an archive, in the order of the images."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = sorted(archive.namelist(), key=lambda name: int(name.partition(".")[0]))
        return [ImageBytes(archive.read(name)) for name in names]
