"""Card of ``common_feature_amalgamation``: networks of any build meet in one space of features."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    LayerNames,
    MethodKind,
    MethodSpec,
    TrainingTrait,
)
from service.core.catalog.training import StudentTrainingConfig, TeachersAndImages


class AnswerMatch(StrEnum):
    """How answers are compared.

    ``together`` puts the teachers' answers side by side under one softmax, ``apart`` gives each
    teacher a softmax of its own, ``squared`` takes the distance of the logits.
    """

    TOGETHER = "together"
    APART = "apart"
    SQUARED = "squared"


class Bandwidths(StrEnum):
    """Widths of the kernels: the published seven, or multiples of the mean distance of a batch."""

    PUBLISHED = "published"
    RELATIVE = "relative"


class CommonNormalisation(StrEnum):
    """What follows every convolution of the common space: batch normalisation, or nothing."""

    BATCH = "batch"
    NONE = "none"


class CommonFeatureAmalgamationParams(StudentTrainingConfig):
    """The parts of the loss, and the space in which features meet."""

    batch_size: int = Field(64, ge=16, le=1024)
    """Images of a step; distributions of fewer than 16 cannot be compared."""
    rate: float = Field(2e-3, gt=0, le=1)
    """Largest learning rate."""
    weight_decay: float = Field(1e-4, ge=0, le=1)
    """Pull of the weights towards 0, as Adam takes it."""
    match: AnswerMatch = AnswerMatch.TOGETHER
    """How answers are compared; networks for several labels at once are always compared label by
    label."""
    temperature: float = Field(1.0, gt=0, le=100)
    """Softens both answers where they are compared as shares."""
    answer_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the teachers' answers."""
    common_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the distance between the student's and the teachers' common features."""
    reconstruction_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of what the common features must still tell of the teachers' own."""
    bandwidths: Bandwidths = Bandwidths.PUBLISHED
    """Widths of the kernels that compare common features."""
    common_channels: int | None = Field(None, ge=4, le=512)
    """Channels of the common space; None takes half of the student's block, 128 at most."""
    common_normalisation: CommonNormalisation = CommonNormalisation.BATCH
    """What keeps common features of all networks on one scale; public code has either."""
    teacher_layers: tuple[LayerNames, ...] | None = Field(None, min_length=1, max_length=16)
    """For each teacher as many layers as for every other, from the image to the answer; the last
    goes with the student's last block. None takes each teacher's last layer with maps."""


SPEC = MethodSpec(
    name="common_feature_amalgamation",
    title="One network that learns several of any build, through features they have in common",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    traits=frozenset(
        {
            TrainingTrait.WHOLE_IMAGES_ONLY,
            TrainingTrait.READS_STUDENT_MAPS,
            TrainingTrait.OUTPUT_PER_TEACHER_OUTPUT,
        }
    ),
    audience=Audience.PUBLIC,
    version=1,
    source="Luo et al. 2019 (IJCAI), arXiv 1906.10546",
    inputs=TeachersAndImages,
    params=CommonFeatureAmalgamationParams,
    result="a model, with report and learning curve",
)
