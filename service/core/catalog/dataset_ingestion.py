"""Card of ``dataset_ingestion``: the intake check of uploaded images."""

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)


class DatasetIngestionInputs(JobInputs):
    """The uploaded set of images to check."""

    dataset_id: str
    """The uploaded set."""


class DatasetIngestionParams(Params):
    """There is nothing to choose; the set's manifest says how to treat bad images."""


SPEC = MethodSpec(
    name="dataset_ingestion",
    title="Check uploaded images, index them and lay out their canonical frames",
    family=Family.INTAKE,
    kind=MethodKind.DATASET_INGESTION,
    audience=Audience.INTERNAL,
    version=1,
    source="Zooscope",
    inputs=DatasetIngestionInputs,
    params=DatasetIngestionParams,
    result="the dataset becomes ready or rejected",
)
