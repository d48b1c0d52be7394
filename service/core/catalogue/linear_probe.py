"""Card of ``linear_probe``: a linear layer on a frozen network learns a labelled set."""

from pydantic import Field

from service.core.catalogue.card import Audience, Family, Inputs, MethodCard
from service.core.catalogue.training import Course


class LinearProbeInputs(Inputs):
    """The network whose features are read, and the labelled images to learn."""

    source_id: str
    """The network whose features are read."""
    dataset_id: str
    """The labelled images to learn."""


class LinearProbeParams(Course):
    """Where the source is cut.

    Rows and columns are averaged there; the linear layer alone learns.
    """

    layer: str | None = Field(None, max_length=300)
    """Where the source is cut; None means its feature layer."""


CARD = MethodCard(
    name="linear_probe",
    title="A linear layer on a frozen network of the zoo, trained on a labelled set",
    family=Family.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Alain & Bengio 2016, arXiv 1610.01644",
    inputs=LinearProbeInputs,
    params=LinearProbeParams,
    result="a model, with report and learning curve",
)
