"""Shapes of predictions."""

from typing import Literal, Self

from pydantic import BaseModel, Field

from service.core.operations.zoo.predictions import PredictOptions
from service.core.predict_messages import LARGEST_TOP_K, OutputKind
from service.predict_client import PredictResult


class PredictQuery(BaseModel):
    """What to compute for the images; the network decides what is left out."""

    output: OutputKind | None = None
    layer: str | None = Field(
        None,
        max_length=300,
        pattern=r"^[^\x00]*$",
        description="Layer whose features are returned.",
    )
    top_k: int = Field(5, ge=1, le=LARGEST_TOP_K, description="Number of classes for each image.")

    @property
    def options(self) -> PredictOptions:
        """The options as the operation takes them."""
        return PredictOptions(self.output, self.layer, self.top_k)


class ClassProbabilityView(BaseModel):
    """A class of the network and how likely it is; ``name`` if the manifest names it."""

    index: int
    name: str | None
    probability: float


class ImageClassesView(BaseModel):
    """The likeliest classes of one image, likeliest first."""

    image: int
    classes: list[ClassProbabilityView]


class ClassPredictionView(BaseModel):
    """The likeliest classes of every image that was sent."""

    model_id: str
    output: Literal["classes"] = "classes"
    items: list[ImageClassesView]

    @classmethod
    def of(cls, prediction: PredictResult) -> Self:
        """The view of a prediction of classes."""
        items = [
            ImageClassesView(
                image=index, classes=[ClassProbabilityView(**likely) for likely in classes]
            )
            for index, classes in enumerate(prediction.classes)
        ]
        return cls(model_id=prediction.model_id, items=items)
