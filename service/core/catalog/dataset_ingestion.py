"""Specification of ``dataset_ingestion``: the ingestion check of uploaded images and clips."""

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import DatasetId
from service.core.manifest import DatasetKind


class DatasetIngestionInputs(JobInputs):
    """The uploaded dataset to check."""

    dataset_id: DatasetId
    """The uploaded dataset."""


class DatasetIngestionParams(Params):
    """No settings; the dataset's manifest says how to handle bad files."""


SPEC = MethodSpec(
    name="dataset_ingestion",
    title="Check uploaded images or clips and index them",
    family=Family.INGESTION,
    kind=MethodKind.DATASET_INGESTION,
    audience=Audience.INTERNAL,
    version=1,
    source="Zooscope",
    inputs=DatasetIngestionInputs,
    params=DatasetIngestionParams,
    dataset_kinds=frozenset(DatasetKind),
    result="the dataset becomes ready or rejected",
)
