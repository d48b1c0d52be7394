"""Card of ``transferability_estimators``: what labels say about one network on one target."""

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    DatasetId,
    Family,
    JobInputs,
    LayerName,
    MethodKind,
    MethodSpec,
    ModelId,
    Params,
)


class TransferabilityEstimatorsInputs(JobInputs):
    """One network, and the labelled target it is to be judged on."""

    model_id: ModelId
    """The network to judge."""
    dataset_id: DatasetId
    """The labelled target."""


class TransferabilityEstimatorsParams(Params):
    """Settings of a judgement."""

    layer: LayerName | None = None
    """Where features are read; None means the network's feature layer."""
    folds: int = Field(5, ge=2, le=20)
    """Parts into which the linear probe divides the images."""
    neighbours: int = Field(5, ge=1, le=100)
    """Images that vote in k-NN."""
    pair_images: int = Field(500, ge=10, le=5000)
    """Most images that estimators of pairs (PARC, RSA) look at."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of those images, the folds and the mixture's first centres."""


SPEC = MethodSpec(
    name="transferability_estimators",
    title="Estimators of transfer from labels: LogME, H-score, LEEP, k-NN, linear probe and more",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.ESTIMATES,
    audience=Audience.PUBLIC,
    version=1,
    source="You et al., LogME, ICML 2021; Bao et al., H-score, ICIP 2019; Nguyen et al., LEEP,"
    " ICML 2020; Bolya et al., PARC, NeurIPS 2021; the page of the method lists all",
    inputs=TransferabilityEstimatorsInputs,
    params=TransferabilityEstimatorsParams,
    result="a score for each estimator, or the reason why there is none",
)
