"""Specification of ``reference_network``: a small network trained on a labeled target."""

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    JobLane,
    MethodKind,
    MethodSpec,
    Params,
)
from service.core.ids import DatasetId, ModelId


class ReferenceNetworkInputs(JobInputs):
    """The labeled dataset to learn, and the model that the job fills in."""

    dataset_id: DatasetId
    """The labeled dataset to learn."""
    model_id: ModelId
    """The model whose file the job provides."""


class ReferenceNetworkParams(Params):
    """Size of the network and of its training."""

    width: int = Field(16, ge=4, le=256)
    """Number of channels of the first stage."""
    steps: int = Field(400, ge=1, le=100_000)
    """Number of optimizer steps."""
    batch_size: int = Field(64, ge=2, le=1024)
    """Number of images per step."""
    learning_rate: float = Field(3e-3, gt=0, le=1)
    """Peak learning rate."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed for weight initialization and batch order."""


SPEC = MethodSpec(
    name="reference_network",
    title="Train a small network on a labeled target to represent it in rankings",
    family=Family.TRANSFERABILITY,
    kind=MethodKind.REFERENCE_NETWORK,
    audience=Audience.INTERNAL,
    version=2,
    source="Song et al., CVPR 2020, section 3.2: the target graph needs a network trained on it",
    inputs=ReferenceNetworkInputs,
    params=ReferenceNetworkParams,
    result="a model",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
