"""Specification of ``transferability_estimators``: scores of one network on one labeled target."""

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    LayerName,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import DatasetId, ModelId


class TransferabilityEstimatorsInputs(JobInputs):
    """One network and the labeled target."""

    model_id: ModelId
    """The network to score."""
    dataset_id: DatasetId
    """The labeled target."""


class TransferabilityEstimatorsParams(Params):
    """Settings of the estimators."""

    layer: LayerName | None = None
    """Layer whose features are scored; None means the network's feature layer."""
    folds: int = Field(5, ge=2, le=20)
    """Number of cross-validation folds of the linear probe."""
    neighbors: int = Field(5, ge=1, le=100)
    """Number of neighbors that vote in k-NN."""
    pair_images: int = Field(500, ge=10, le=5000)
    """Largest number of images for the pairwise estimators (PARC, RSA)."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed for the sampled images, the folds and the initial centers of the mixture."""


SPEC = MethodSpec(
    name="transferability_estimators",
    title="Transferability scores from labels: LogME, H-score, LEEP, k-NN, linear probe and more",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.ESTIMATES,
    audience=Audience.PUBLIC,
    version=2,
    source="You et al., LogME, ICML 2021; Bao et al., H-score, ICIP 2019; Nguyen et al., LEEP,"
    " ICML 2020; Bolya et al., PARC, NeurIPS 2021; the page of the method lists all",
    inputs=TransferabilityEstimatorsInputs,
    params=TransferabilityEstimatorsParams,
    result="a score for each estimator, or the reason why there is none",
)
