"""Specification of ``model_validation``: the ingestion check of an uploaded network."""

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import ModelId


class ModelValidationInputs(JobInputs):
    """The uploaded network to check."""

    model_id: ModelId
    """The uploaded network."""


class ModelValidationParams(Params):
    """No settings."""


SPEC = MethodSpec(
    name="model_validation",
    title="Check an uploaded network and convert it to executable form",
    family=Family.INGESTION,
    kind=MethodKind.MODEL_CHECK,
    audience=Audience.INTERNAL,
    version=1,
    source="Zooscope",
    inputs=ModelValidationInputs,
    params=ModelValidationParams,
    result="the model becomes ready or rejected",
    time_limit_seconds=600.0,
)
