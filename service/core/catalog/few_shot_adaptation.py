"""Specification of ``few_shot_adaptation``: a few-shot learner becomes a classifier."""

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.catalog.training import DistinctLabels
from service.core.ids import DatasetId, ModelId


class FewShotAdaptationInputs(JobInputs):
    """A few-shot learner, and labeled images of the classes to tell apart."""

    source_model_id: ModelId
    """The few-shot learner."""
    dataset_id: DatasetId
    """The labeled images that define the classes."""


class FewShotAdaptationParams(Params):
    """Which images of the dataset become the support."""

    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Name of the new model; None derives one from the learner and the dataset."""
    classes: DistinctLabels | None = Field(None, min_length=1, max_length=200)
    """Labels of the dataset to tell apart, in the order of the outputs; None means all."""
    shots: int | None = Field(None, ge=1, le=1000)
    """Images of each class to draw; None means all."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed of that draw."""
    prior: float | None = Field(None, ge=0, le=1e6, allow_inf_nan=False)
    """Number of support images that the learner's experience with base classes counts as; None
    means the learned number."""


SPEC = MethodSpec(
    name="few_shot_adaptation",
    title="Store a few-shot learner with its support as a classifier",
    family=Family.TRAINING,
    kind=MethodKind.ADAPTATION,
    audience=Audience.PUBLIC,
    version=1,
    source="arXiv 1912.08395, with the descriptors computed once",
    inputs=FewShotAdaptationInputs,
    params=FewShotAdaptationParams,
    result="a model that needs no support",
)
