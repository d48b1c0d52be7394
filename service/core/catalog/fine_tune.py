"""Card of ``fine_tune``: a network of the zoo, cut at a layer, learns a labelled set."""

from pydantic import Field

from service.core.catalog.method_spec import Audience, Family, MethodKind, MethodSpec
from service.core.catalog.training import SourceAndLabels, TransferTrainingConfig


class FineTuneParams(TransferTrainingConfig):
    """Where the source is cut, and how fast it learns.

    Rows and columns are averaged at the cut, and a linear layer answers. Batch statistics stay
    the source's.
    """

    body_rate: float = Field(0.1, gt=0, le=1)
    """Learning rate of the source's weights, as a share of the new layer's."""


SPEC = MethodSpec(
    name="fine_tune",
    title="A network of the zoo, trained further on a labelled set from a chosen layer",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Yosinski et al. 2014, arXiv 1411.1792",
    inputs=SourceAndLabels,
    params=FineTuneParams,
    result="a model, with report and learning curve",
)
