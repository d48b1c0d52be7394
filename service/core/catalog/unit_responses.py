"""Specification of ``unit_responses``: what every output unit of one network says of shared images."""

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import DatasetId, ModelId


class UnitResponsesInputs(JobInputs):
    """One classifier and the images that it is shown."""

    model_id: ModelId
    """The network whose output units respond."""
    dataset_id: DatasetId
    """The images: a probe set, or those of a concept."""


class UnitResponsesParams(Params):
    """No settings: responses of one kind are comparable with each other."""


SPEC = MethodSpec(
    name="unit_responses",
    title="Responses of every output unit of a classifier to shared images",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.UNIT_RESPONSES,
    audience=Audience.PUBLIC,
    version=1,
    source="Kahana et al., Can this Model Also Recognize Dogs?, 2025, arXiv 2502.09619",
    inputs=UnitResponsesInputs,
    params=UnitResponsesParams,
    result="the log-odds of every class for every image, stored once by network and images",
)
