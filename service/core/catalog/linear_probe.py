"""Specification of ``linear_probe``: train a linear layer on a frozen network."""

from service.core.catalog.method_spec import Audience, Family, MethodKind, MethodSpec
from service.core.catalog.training import SourceAndLabels, TransferTrainingConfig


class LinearProbeParams(TransferTrainingConfig):
    """Cut layer and learning rate.

    Features are averaged over rows and columns at the cut; only the linear layer learns.
    """


SPEC = MethodSpec(
    name="linear_probe",
    title="Train a linear layer on a frozen network of the zoo with a labeled dataset",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Alain & Bengio 2016, arXiv 1610.01644",
    inputs=SourceAndLabels,
    params=LinearProbeParams,
    result="a model, with report and learning curve",
)
