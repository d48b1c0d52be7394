"""Specification of ``dual_gan_amalgamation``: several networks become one without images."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobLane,
    LayerName,
    MethodKind,
    MethodSpec,
    TrainingTrait,
)
from service.core.catalog.training import SharedLabels, StudentTrainingConfig, TeachersOnly


class DualGanPreset(StrEnum):
    """Recipe: ``dfka``, the published one, block by block, or ``dfq_ka``.

    ``dfq_ka`` trains one generator continuously while a student learns the outputs of all teachers
    together.
    """

    DFKA = "dfka"
    DFQ_KA = "dfq_ka"


class TeacherFilter(StrEnum):
    """Module between a map and a teacher's later blocks: learned ``gates``, or ``none``.

    Where sizes or channels differ, a learned 1 × 1 convolution and a resize are always inserted.
    """

    GATES = "gates"
    NONE = "none"


class TaskFilter(StrEnum):
    """Mapping from a teacher's outputs to the requested labels.

    ``affine`` selects them and learns a scale and a shift for each; ``pick`` only selects them.
    """

    AFFINE = "affine"
    PICK = "pick"


class Regroup(StrEnum):
    """Assembly of the trained blocks.

    ``single`` is one network: the blocks and a head. ``branched`` continues, for each teacher, with
    that teacher's own later blocks from the point where they fit the student best.
    """

    SINGLE = "single"
    BRANCHED = "branched"


class DualGanAmalgamationParams(StudentTrainingConfig):
    """Recipe and the weights of its losses. None takes the recipe's value."""

    preset: DualGanPreset = DualGanPreset.DFQ_KA
    """Recipe that provides every value that you leave out."""
    shared_labels: SharedLabels = SharedLabels.PROBABILITIES
    """Target of a label that several teachers have."""
    one_hot_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the one-hot loss; favors images that teachers classify confidently."""
    entropy_weight: float = Field(5.0, ge=0, le=1000)
    """Weight of the balance loss; favors equally frequent labels over a batch."""
    activation_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of the activation loss; favors strong teacher features."""
    discrete_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of the sparsity loss; favors images with few labels, for multi-label teachers."""
    bn_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of the batch-norm loss; favors images whose batch statistics match the teachers'
    running statistics. ``dfq_ka`` uses 10, or 0 if a teacher has no batch normalization; ``dfka``
    uses 0."""
    consistency_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the consistency loss: teachers must predict the same from a generator's inner maps
    as from its image. For ``dfka``."""
    adversarial_weight: float = Field(1.0, ge=0, le=1000)
    """Weight of the adversarial loss; favors images on which student and teachers differ. For
    ``dfq_ka``."""
    teacher_filter: TeacherFilter = TeacherFilter.GATES
    """Module before a teacher's later blocks. For ``dfka``."""
    task_filter: TaskFilter = TaskFilter.AFFINE
    """Mapping from a teacher's outputs to the requested labels. For ``dfka``."""
    regroup: Regroup = Regroup.SINGLE
    """Assembly of the trained blocks. For ``dfka``."""
    blocks: int | None = Field(None, ge=1, le=8)
    """Number of blocks that student and teachers are divided into; None means all of the student's.
    For ``dfka``."""
    cuts: tuple[Annotated[tuple[LayerName, ...], Field(fail_fast=True)], ...] | None = Field(
        None, min_length=1, max_length=16
    )
    """Layers at which the blocks of each teacher end, except the last block; None uses the last
    layer of each size that the student has there. For ``dfka``."""
    imitations: int = Field(5, ge=1, le=1000)
    """Student steps per generator step. For ``dfq_ka``."""
    student_learning_rate: float | None = Field(None, gt=0, le=1)
    """Peak learning rate of the student."""
    generator_learning_rate: float = Field(1e-3, gt=0, le=1)
    """Peak learning rate of the generator."""
    noise_units: int = Field(100, ge=4, le=1024)
    """Dimension of the noise vector of an image."""
    generator_width: int = Field(32, ge=4, le=256)
    """Number of channels before the generator's last convolution. For ``dfq_ka``."""


SPEC = MethodSpec(
    name="dual_gan_amalgamation",
    title="Combine chosen labels of several networks in one student without images",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    traits=frozenset({TrainingTrait.WHOLE_IMAGES_ONLY, TrainingTrait.READS_STUDENT_MAPS}),
    audience=Audience.PUBLIC,
    version=3,
    source="Ye et al. 2020 (DFKA), arXiv 2003.09088; priors of images from Chen et al. 2019 (DAFL),"
    " arXiv 1904.01186, and Yin et al. 2020, arXiv 1912.08795",
    inputs=TeachersOnly,
    params=DualGanAmalgamationParams,
    result="a model, with report, learning curve and samples of the generated images",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
