"""Specification of ``common_feature_amalgamation``: one feature space for any architectures."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobLane,
    LayerNames,
    MethodKind,
    MethodSpec,
    TrainingTrait,
)
from service.core.catalog.training import SharedLabels, StudentTrainingConfig, TeachersAndImages

FEWEST_IMAGES = 16


class AnswerMatch(StrEnum):
    """Comparison of outputs.

    ``together`` takes one softmax of the student and the target of all teachers, ``apart`` gives each
    teacher a softmax of its own, ``squared`` takes the squared distance of the logits from the target.
    """

    TOGETHER = "together"
    APART = "apart"
    SQUARED = "squared"


class TeacherLoudness(StrEnum):
    """Scale of a teacher's logits.

    ``as_taught`` leaves it. ``fitted`` divides them by the temperature at which the teacher is as
    uncertain of the images as the teachers are on average.
    """

    AS_TAUGHT = "as_taught"
    FITTED = "fitted"


class Bandwidths(StrEnum):
    """Bandwidths of the kernels: the seven published ones, or multiples of the mean distance."""

    PUBLISHED = "published"
    RELATIVE = "relative"


class CommonNormalization(StrEnum):
    """Normalization after each convolution of the common space: batch normalization, or none."""

    BATCH = "batch"
    NONE = "none"


class CommonFeatureAmalgamationParams(StudentTrainingConfig):
    """Loss weights, and the space in which features are compared."""

    batch_size: int = Field(64, ge=16, le=1024)
    """Number of images per step; distributions of fewer than 16 cannot be compared."""
    learning_rate: float = Field(2e-3, gt=0, le=1)
    """Peak learning rate of Adam."""
    weight_decay: float = Field(1e-4, ge=0, le=1)
    """Weight decay of Adam."""
    match: AnswerMatch = AnswerMatch.TOGETHER
    """Comparison of outputs; multi-label networks are always compared label by label."""
    shared_labels: SharedLabels = SharedLabels.PROBABILITIES
    """Target of all teachers together; not for ``apart``."""
    loudness: TeacherLoudness = TeacherLoudness.FITTED
    """Scale of the teachers' logits."""
    temperature: float = Field(1.0, gt=0, le=100)
    """Softmax temperature of both outputs where they are compared as probabilities."""
    answer_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the teachers' outputs."""
    common_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the distance between the common features of student and teachers."""
    reconstruction_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of reconstructing the teachers' own features from the common features."""
    bandwidths: Bandwidths = Bandwidths.PUBLISHED
    """Bandwidths of the kernels that compare common features."""
    common_channels: int | None = Field(None, ge=4, le=512)
    """Number of channels of the common space; None uses half of the student's block, 128 at
    most."""
    common_normalization: CommonNormalization = CommonNormalization.BATCH
    """Normalization that keeps the common features of all networks on one scale; public code uses
    either."""
    teacher_layers: tuple[LayerNames, ...] | None = Field(None, min_length=1, max_length=16)
    """Layers of each teacher to compare, ordered from input to output, as many for every teacher;
    the last is matched with the student's last block. None uses each teacher's last layer with
    spatial maps."""


SPEC = MethodSpec(
    name="common_feature_amalgamation",
    title="Combine networks of any architecture in one student through common features",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    traits=frozenset({TrainingTrait.WHOLE_IMAGES_ONLY, TrainingTrait.READS_STUDENT_MAPS}),
    audience=Audience.PUBLIC,
    version=3,
    source="Luo et al. 2019 (IJCAI), arXiv 1906.10546",
    inputs=TeachersAndImages,
    params=CommonFeatureAmalgamationParams,
    result="a model, with report and learning curve",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
