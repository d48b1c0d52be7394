"""Specification of ``style_baking``: a stylizer with one style becomes an ordinary network."""

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import DatasetId, ModelId
from service.core.stylizations import LARGEST_STROKE, SMALLEST_STROKE


class StyleBakingInputs(JobInputs):
    """A stylizer, and a dataset with the picture of the style."""

    source_model_id: ModelId
    """The stylizer."""
    dataset_id: DatasetId
    """The dataset that holds the style; it needs no labels."""


class StyleBakingParams(Params):
    """Which style, and the size of the pictures to paint."""

    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Name of the new model; None derives one from the stylizer and the dataset."""
    image: int = Field(0, ge=0)
    """Position of the style among the images of the dataset."""
    image_size: int = Field(256, ge=8, le=1024, multiple_of=4)
    """Height and width of the new model's input and output."""
    stroke: float = Field(1.0, ge=SMALLEST_STROKE, le=LARGEST_STROKE)
    """Size of strokes, relative to the training of the stylizer."""


SPEC = MethodSpec(
    name="style_baking",
    title="Store a stylizer with one style as an ordinary network",
    family=Family.TRAINING,
    kind=MethodKind.BAKED_STYLE,
    audience=Audience.PUBLIC,
    version=1,
    source="arXiv 1911.06953, with the parameters of one style as constants",
    inputs=StyleBakingInputs,
    params=StyleBakingParams,
    result="a model that paints in one style",
)
