"""Specification of ``fine_tune``: train a network further from a chosen layer."""

from pydantic import Field

from service.core.catalog.method_spec import Audience, Family, JobLane, MethodKind, MethodSpec
from service.core.catalog.training import AdamWTransferConfig, SourceAndLabels


class FineTuneParams(AdamWTransferConfig):
    """Cut layer and learning rates.

    Features are averaged over rows and columns at the cut and passed to a new linear layer.
    Batch-norm statistics remain those of the source.
    """

    body_rate: float = Field(1.0, gt=0, le=1)
    """Learning rate of the source's weights, as a share of the new layer's."""


SPEC = MethodSpec(
    name="fine_tune",
    title="Fine-tune a network of the zoo on a labeled dataset, cut at a chosen layer",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=2,
    source="Yosinski et al. 2014, arXiv 1411.1792",
    inputs=SourceAndLabels,
    params=FineTuneParams,
    result="a model, with report and learning curve",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
