"""Card of ``dataset_ingestion``: the intake check of uploaded images."""

from service.core.catalogue.card import Audience, Family, Inputs, MethodCard, Params


class DatasetIngestionInputs(Inputs):
    """The uploaded set of images to check."""

    dataset_id: str
    """The uploaded set."""


class DatasetIngestionParams(Params):
    """There is nothing to choose; the set's manifest says how to treat bad images."""


CARD = MethodCard(
    name="dataset_ingestion",
    title="Check uploaded images, index them and lay out their canonical frames",
    family=Family.INTAKE,
    audience=Audience.INTERNAL,
    version=1,
    source="Zooscope",
    inputs=DatasetIngestionInputs,
    params=DatasetIngestionParams,
    result="the dataset becomes ready or rejected",
)
