"""Specification of ``linear_probe``: train a linear layer on a frozen network."""

from pydantic import Field

from service.core.catalog.method_spec import Audience, Family, JobLane, MethodKind, MethodSpec
from service.core.catalog.training import SourceAndLabels, TransferTrainingConfig


class LinearProbeParams(TransferTrainingConfig):
    """Cut layer and penalty.

    Features are averaged over rows and columns at the cut and standardized; only the linear layer
    learns, by L-BFGS until it converges. A step of the budget is fifty iterations on all images.
    """

    batch_size: int = Field(64, ge=8, le=1024)
    """Without effect: every step reads the features of all images."""
    penalty: float = Field(1.0, ge=0, le=1e6)
    """Weight of half the sum of squared weights, beside the summed loss of all images; the inverse
    of C in scikit-learn's logistic regression."""


SPEC = MethodSpec(
    name="linear_probe",
    title="Train a linear layer on a frozen network of the zoo with a labeled dataset",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=2,
    source="Alain & Bengio 2016, arXiv 1610.01644",
    inputs=SourceAndLabels,
    params=LinearProbeParams,
    result="a model, with report and learning curve",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
