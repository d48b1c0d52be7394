"""Shapes of predictions."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from service.core.ids import DatasetId
from service.core.manifest import ClipCrop
from service.core.operations.zoo.predictions import PredictOptions
from service.core.operations.zoo.readings import ReadingOptions
from service.core.operations.zoo.stylizations import StyleOptions
from service.core.operations.zoo.supports import SupportOptions
from service.core.predict_messages import LARGEST_TOP_K, OutputKind
from service.core.readings import (
    BEAM_WIDTH,
    LARGEST_ALTERNATIVES,
    LARGEST_BEAM_WIDTH,
    MOST_CLIPS,
    ReadingSettings,
)
from service.core.stylizations import (
    LARGEST_SIDE,
    LARGEST_STROKE,
    MOST_STYLES,
    SMALLEST_SIDE,
    SMALLEST_STROKE,
    PictureFormat,
    PreservedColor,
    StyleSettings,
)
from service.predict_client import FewShotResult, PredictResult

Position = Annotated[int, Field(ge=0, lt=2**31)]
StyleWeight = Annotated[float, Field(ge=0, le=1e6)]
Share = Annotated[float, Field(ge=0, le=1)]
ClassName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class PredictQuery(BaseModel):
    """What to compute for the images or clips; the network decides what is left out."""

    output: OutputKind | None = None
    layer: str | None = Field(
        None,
        max_length=300,
        pattern=r"^[^\x00]*$",
        description="Layer whose features are returned.",
    )
    top_k: int = Field(5, ge=1, le=LARGEST_TOP_K, description="Number of classes for each image.")

    support_dataset: DatasetId | None = Field(
        None, description="Labeled dataset whose images are the support of a few-shot learner."
    )
    classes: Annotated[list[ClassName], Field(fail_fast=True)] = Field(
        default_factory=list,
        max_length=200,
        description="Labels of the support dataset to choose between; by default all.",
    )
    shots: int | None = Field(
        None, ge=1, le=1000, description="Images of each class to draw; by default all."
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**63,
        description="Seed of the draw from the support dataset, or of a stylizer's grain.",
    )
    prior: float | None = Field(
        None,
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        description="Number of support images that a few-shot learner's experience with base"
        " classes counts as: 0 compares with plain means; by default the learned number.",
    )

    style_dataset: DatasetId | None = Field(
        None, description="Dataset whose pictures are a stylizer's styles."
    )
    style_images: Annotated[list[Position], Field(fail_fast=True)] = Field(
        default_factory=list,
        max_length=MOST_STYLES,
        description="Positions of the dataset's pictures to paint in, from 0; by default all.",
    )
    style_weights: Annotated[list[StyleWeight], Field(fail_fast=True)] | None = Field(
        None,
        max_length=MOST_STYLES,
        description="How much each style counts, to mix all into one picture; by default there is"
        " one picture for each style.",
    )
    strength: float = Field(
        1.0, ge=0, le=1, description="How strong a stylizer is; 0 returns the pixels as they are."
    )
    preserve_color: PreservedColor = Field(
        PreservedColor.NONE,
        description="What of the content's colors a stylizer keeps: `none`, or `chroma`.",
    )
    stroke: float = Field(
        1.0,
        ge=SMALLEST_STROKE,
        le=LARGEST_STROKE,
        description="Size of a stylizer's strokes, relative to its training; with a stroke map,"
        " where the map is white.",
    )
    uniform_strokes: float = Field(
        0.0, ge=0, le=1, description="How much grain a stylizer gives flat areas."
    )
    format: PictureFormat = Field(
        PictureFormat.PNG, description="File format of a stylizer's pictures."
    )
    max_side: int | None = Field(
        None,
        ge=SMALLEST_SIDE,
        le=LARGEST_SIDE,
        description="Side to which a stylizer reduces larger contents; by default those above 2048"
        " pixels are refused.",
    )
    sheet: bool = Field(
        default=False,
        description="Whether a stylizer answers with one picture of all: images in rows, styles in"
        " columns, the originals beside them.",
    )

    clip_dataset: DatasetId | None = Field(
        None, description="Dataset whose clips a reader reads, instead of sent ones."
    )
    clip_indices: Annotated[list[Position], Field(fail_fast=True)] = Field(
        default_factory=list,
        max_length=MOST_CLIPS,
        description="Positions of the dataset's clips to read, from 0; by default all.",
    )
    beam_width: int = Field(
        BEAM_WIDTH,
        ge=1,
        le=LARGEST_BEAM_WIDTH,
        description="Texts that a reader's search keeps at each step; 1 is greedy.",
    )
    alternatives: int = Field(
        0,
        ge=0,
        le=LARGEST_ALTERNATIVES,
        description="Further texts of a reader's search for each clip, fewer than `beam_width`.",
    )
    crop: ClipCrop | None = Field(
        None,
        description="Part of the frames of clip files that a lip reader reads: the lips of the face"
        " that is `found`, the `given` box, or the `full` frame; by default as in the clips it"
        " learned from.",
    )
    crop_box: Annotated[list[Share], Field(fail_fast=True)] | None = Field(
        None,
        min_length=4,
        max_length=4,
        description="Left, top, width and height of the given box, in shares of the frame.",
    )

    def options(
        self,
        images: Sequence[bytes] = (),
        labels: Sequence[str] = (),
        styles: Sequence[bytes] = (),
        masks: Sequence[bytes] = (),
        *,
        stroke_map: bytes | None = None,
        clips: Sequence[bytes] = (),
    ) -> PredictOptions:
        """The options as the operation takes them, with all that comes in files."""
        support = SupportOptions(
            images=images,
            labels=labels,
            dataset_id=self.support_dataset,
            classes=self.classes,
            shots=self.shots,
            seed=self.seed,
            prior=self.prior,
        )
        settings = StyleSettings(
            weights=None if self.style_weights is None else tuple(self.style_weights),
            strength=self.strength,
            preserve_color=self.preserve_color,
            stroke=self.stroke,
            uniform_strokes=self.uniform_strokes,
            seed=self.seed,
            format=self.format,
            max_side=self.max_side,
            sheet=self.sheet,
        )
        style = StyleOptions(
            styles, masks, settings, self.style_dataset, self.style_images, stroke_map
        )
        reading = ReadingOptions(
            clips=clips,
            settings=ReadingSettings(
                beam_width=self.beam_width,
                alternatives=self.alternatives,
                crop_box=None if self.crop_box is None else tuple(self.crop_box),  # type: ignore[arg-type]
            ),
            crop=self.crop,
            dataset_id=self.clip_dataset,
            positions=self.clip_indices,
        )
        return PredictOptions(self.output, self.layer, self.top_k, support, style, reading)


class ClassProbabilityView(BaseModel):
    """A class of the network and how likely it is; ``name`` if the manifest names it.

    ``distance`` is the squared distance to the descriptor of the class, from a few-shot learner only.
    """

    index: int
    name: str | None
    probability: float
    distance: float | None = None


class ImageClassesView(BaseModel):
    """The likeliest classes of one image, likeliest first.

    ``outside`` is true if the image is farther from all classes than 99 of 100 images of base classes
    are from theirs; from a few-shot learner only.
    """

    image: int
    classes: list[ClassProbabilityView]
    outside: bool | None = None


class SupportClassView(BaseModel):
    """The support of one class: images, different pictures, and their mean squared distance.

    ``spread`` is null for a single picture.
    """

    name: str
    shots: int
    distinct: int
    spread: float | None


class SupportView(BaseModel):
    """What a few-shot learner made of the support, and what is remarkable about it."""

    classes: list[SupportClassView]
    notes: list[str]

    @classmethod
    def of(cls, result: FewShotResult) -> Self:
        """The view of the support."""
        classes = [
            SupportClassView(name=name, **about)
            for name, about in zip(result.names, result.facts["classes"], strict=True)
        ]
        return cls(classes=classes, notes=result.facts["notes"])


class ClassPredictionView(BaseModel):
    """The likeliest classes of every image that was sent."""

    model_id: str
    output: Literal["classes"] = "classes"
    items: list[ImageClassesView]
    support: SupportView | None = None

    @classmethod
    def of(cls, prediction: PredictResult) -> Self:
        """The view of a prediction of classes."""
        support = prediction.support
        items = [
            ImageClassesView(
                image=index,
                classes=[ClassProbabilityView(**likely) for likely in classes],
                outside=None if support is None else support.facts["outside"][index],
            )
            for index, classes in enumerate(prediction.classes)
        ]
        view = None if support is None else SupportView.of(support)
        return cls(model_id=prediction.model_id, items=items, support=view)
