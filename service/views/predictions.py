"""What a classifier says, as JSON."""

from typing import Literal, Self

from pydantic import BaseModel

from service.predict_client import PredictResult


class ClassView(BaseModel):
    """A class of the network and how likely it is; ``name`` where the manifest tells it."""

    index: int
    name: str | None
    probability: float


class ImageClassesView(BaseModel):
    """The likeliest classes of one image, likeliest first."""

    image: int
    classes: list[ClassView]


class PredictionView(BaseModel):
    """The likeliest classes of every image that was sent."""

    model_id: str
    output: Literal["classes"] = "classes"
    items: list[ImageClassesView]

    @classmethod
    def of(cls, prediction: PredictResult) -> Self:
        """The view of a prediction of classes."""
        items = [
            ImageClassesView(image=place, classes=[ClassView(**one) for one in found])
            for place, found in enumerate(prediction.classes)
        ]
        return cls(model_id=prediction.model_id, items=items)
