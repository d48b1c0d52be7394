"""Card of ``model_validation``: the intake check of an uploaded network."""

from service.core.catalogue.card import Audience, Family, Inputs, MethodCard, Params


class ModelValidationInputs(Inputs):
    """The uploaded network to check."""

    model_id: str
    """The uploaded network."""


class ModelValidationParams(Params):
    """There is nothing to choose."""


CARD = MethodCard(
    name="model_validation",
    title="Check an uploaded network and read it into the executable form",
    family=Family.INTAKE,
    audience=Audience.INTERNAL,
    version=1,
    source="Zooscope",
    inputs=ModelValidationInputs,
    params=ModelValidationParams,
    result="the model becomes ready or rejected",
)
