"""Card of ``fine_tune``: a network of the zoo, cut at a layer, learns a labelled set."""

from pydantic import Field

from service.core.catalogue.card import Audience, Family, Inputs, MethodCard
from service.core.catalogue.training import Course


class FineTuneInputs(Inputs):
    """The network to start from, and the labelled images to learn."""

    source_id: str
    """The network to start from."""
    dataset_id: str
    """The labelled images to learn."""


class FineTuneParams(Course):
    """Where the source is cut, and how fast it learns.

    Rows and columns are averaged at the cut, and a linear layer answers. Batch statistics stay
    the source's.
    """

    layer: str | None = Field(None, max_length=300)
    """Where the source is cut; None means its feature layer."""
    body_rate: float = Field(0.1, gt=0, le=1)
    """Learning rate of the source's weights, as a share of the new layer's."""


CARD = MethodCard(
    name="fine_tune",
    title="A network of the zoo, trained further on a labelled set from a chosen layer",
    family=Family.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Yosinski et al. 2014, arXiv 1411.1792",
    inputs=FineTuneInputs,
    params=FineTuneParams,
    result="a model, with report and learning curve",
)
