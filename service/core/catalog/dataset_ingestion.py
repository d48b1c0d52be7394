"""Specification of ``dataset_ingestion``: the ingestion check of uploaded images."""

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)


class DatasetIngestionInputs(JobInputs):
    """The uploaded dataset to check."""

    dataset_id: str
    """The uploaded dataset."""


class DatasetIngestionParams(Params):
    """No settings; the dataset's manifest says how to handle bad images."""


SPEC = MethodSpec(
    name="dataset_ingestion",
    title="Check uploaded images, index them and write their canonical frames",
    family=Family.INGESTION,
    kind=MethodKind.DATASET_INGESTION,
    audience=Audience.INTERNAL,
    version=1,
    source="Zooscope",
    inputs=DatasetIngestionInputs,
    params=DatasetIngestionParams,
    result="the dataset becomes ready or rejected",
)
