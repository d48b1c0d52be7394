"""Specification of ``class_regularization``: a few-shot learner with a trained class basis."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobLane,
    MethodKind,
    MethodSpec,
    TrainingTrait,
)
from service.core.catalog.training import (
    AdamWTransferConfig,
    Budget,
    DistinctLabels,
    SourceAndLabels,
)

FEWEST_BASE_CLASSES = 5
MOST_UNITS = 4096
_FIRST_PRIOR, _FIRST_PRIOR_END_TO_END = 1.0, 0.05


class Whiten(StrEnum):
    """Whether features are whitened by the covariance within base classes.

    ``auto`` compares both by nearest means on episodes of base classes that whitening did not see.
    """

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class ClassRegularizationParams(AdamWTransferConfig):
    """Novel classes, episodes and losses.

    Features are averaged over rows and columns at the cut and standardized.
    """

    budget: Budget = Budget(steps=500)
    """Length of the training."""
    batch_size: int = Field(240, ge=8, le=1024)
    """Number of images per step, in whole episodes; at least one episode."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    """Weight decay of AdamW."""
    novel_classes: DistinctLabels | None = Field(None, min_length=1, max_length=10_000)
    """Classes of the dataset that are only for evaluation; None draws ``validation_fraction`` of
    them by the seed, or uses the classes of ``eval_dataset_id``."""
    ways: int = Field(5, ge=2, le=100)
    """Classes of a training episode, at most all base classes."""
    shots: int = Field(1, ge=1, le=50)
    """Support images of each class in a training episode."""
    queries: int = Field(5, ge=1, le=50)
    """Query images of each class in a training episode."""
    class_weight: float = Field(0.3, ge=0, le=100)
    """Weight of the classification of base classes, which ties the class basis to them."""
    first_prior: float | None = Field(None, ge=0.001, le=100)
    """Number of support images that the class domain counts as before the first step; learned
    from there. None is 1 for a frozen source, and 0.05 with ``body_rate`` above 0."""
    whiten: Whiten = Whiten.AUTO
    """Whitening of features by the covariance within base classes."""
    body_rate: float = Field(0.0, ge=0, le=1)
    """Learning rate of the source's weights, as a share of the head's; 0 freezes the source and
    compares more baselines."""

    @property
    def starting_prior(self) -> float:
        """What ``first_prior`` says, or stands for."""
        if self.first_prior is not None:
            return self.first_prior
        return _FIRST_PRIOR_END_TO_END if self.body_rate > 0 else _FIRST_PRIOR


SPEC = MethodSpec(
    name="class_regularization",
    title="Train a few-shot learner on a network of the zoo with labeled base classes",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Semantic Regularization 2019/2020, arXiv 1912.08395; prototypical networks, arXiv"
    " 1703.05175",
    inputs=SourceAndLabels,
    params=ClassRegularizationParams,
    result="a few-shot learner, with report, episodes and learning curve",
    traits=frozenset({TrainingTrait.HOLDS_OUT_CLASSES}),
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
