"""Card of ``linear_probe``: a linear layer on a frozen network learns a labelled set."""

from service.core.catalog.method_spec import Audience, Family, MethodKind, MethodSpec
from service.core.catalog.training import SourceAndLabels, TransferTrainingConfig


class LinearProbeParams(TransferTrainingConfig):
    """Where the source is cut.

    Rows and columns are averaged there; the linear layer alone learns.
    """


SPEC = MethodSpec(
    name="linear_probe",
    title="A linear layer on a frozen network of the zoo, trained on a labelled set",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Alain & Bengio 2016, arXiv 1610.01644",
    inputs=SourceAndLabels,
    params=LinearProbeParams,
    result="a model, with report and learning curve",
)
