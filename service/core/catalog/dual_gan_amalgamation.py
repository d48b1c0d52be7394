"""Card of ``dual_gan_amalgamation``: several networks become one without any image."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    LayerName,
    MethodKind,
    MethodSpec,
    TrainingTrait,
)
from service.core.catalog.training import StudentTrainingConfig, TeachersOnly


class DualGanPreset(StrEnum):
    """Which recipe: ``dfq_ka``, or ``dfka``, the published one, block by block.

    ``dfq_ka`` has one generator that keeps moving, and a student that learns the teachers' answers
    side by side meanwhile.
    """

    DFKA = "dfka"
    DFQ_KA = "dfq_ka"


class TeacherFilter(StrEnum):
    """What stands between a map and a teacher's later blocks: learned ``gates``, or ``none``.

    Where sizes or channels differ a learned 1 × 1 convolution and a resize stand there anyway.
    """

    GATES = "gates"
    NONE = "none"


class TaskFilter(StrEnum):
    """What makes a teacher's outputs those of the wanted labels.

    ``affine`` picks them and learns a scale and a shift for each; ``pick`` only picks them.
    """

    AFFINE = "affine"
    PICK = "pick"


class Regroup(StrEnum):
    """What becomes of the blocks.

    ``single`` is one network: the blocks and a head. ``branched`` goes, for each teacher, on with
    that teacher's own later blocks from where they understand the student best.
    """

    SINGLE = "single"
    BRANCHED = "branched"


class DualGanAmalgamationParams(StudentTrainingConfig):
    """The recipe, and the weights of what it asks of images. None takes the recipe's value."""

    preset: DualGanPreset = DualGanPreset.DFQ_KA
    """The recipe that all values come from which are not given."""
    one_hot_weight: float = Field(1.0, ge=0, le=1000)
    """How much images are to make teachers decided."""
    entropy_weight: float = Field(5.0, ge=0, le=1000)
    """How much all labels are to be equally frequent over a batch."""
    activation_weight: float | None = Field(None, ge=0, le=1000)
    """How much the teachers' features are to fire."""
    discrete_weight: float | None = Field(None, ge=0, le=1000)
    """How much images are to have few labels; for labels that may be there or not."""
    bn_weight: float | None = Field(None, ge=0, le=1000)
    """How much images are to have the batch statistics that the teachers remember. ``dfq_ka`` has
    10, or 0 where a teacher has no batch normalisation; the published recipe has 0."""
    consistency_weight: float = Field(1.0, ge=0, le=1000)
    """How much a generator's inner maps are to tell the teachers what its image tells them; for
    ``dfka``."""
    adversarial_weight: float = Field(1.0, ge=0, le=1000)
    """How much images are to be those on which student and teachers differ; for ``dfq_ka``."""
    teacher_filter: TeacherFilter = TeacherFilter.GATES
    """What stands before a teacher's later blocks; for ``dfka``."""
    task_filter: TaskFilter = TaskFilter.AFFINE
    """What makes a teacher's outputs those of the wanted labels; for ``dfka``."""
    regroup: Regroup = Regroup.SINGLE
    """What becomes of the blocks; for ``dfka``."""
    blocks: int | None = Field(None, ge=1, le=8)
    """Blocks that student and teachers are parted into; None means all of the student's; for
    ``dfka``."""
    cuts: tuple[tuple[LayerName, ...], ...] | None = Field(None, min_length=1, max_length=16)
    """For each teacher the layers that its blocks end with, the last block's left out; None takes
    the last layer of the sizes that the student has there; for ``dfka``."""
    imitations: int = Field(5, ge=1, le=1000)
    """Steps of the student for one of the generator; for ``dfq_ka``."""
    student_rate: float | None = Field(None, gt=0, le=1)
    """Peak learning rate of the student."""
    generator_rate: float = Field(1e-3, gt=0, le=1)
    """Peak learning rate of the generator."""
    noise_units: int = Field(100, ge=4, le=1024)
    """Numbers that one image is made of."""
    generator_width: int = Field(32, ge=4, le=256)
    """Channels before the last convolution of the generator; for ``dfq_ka``."""


SPEC = MethodSpec(
    name="dual_gan_amalgamation",
    title="One network for chosen labels of several, made without any image",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    traits=frozenset({TrainingTrait.WHOLE_IMAGES_ONLY, TrainingTrait.READS_STUDENT_MAPS}),
    audience=Audience.PUBLIC,
    version=1,
    source="Ye et al. 2020 (DFKA), arXiv 2003.09088; priors of images from Chen et al. 2019 (DAFL),"
    " arXiv 1904.01186, and Yin et al. 2020, arXiv 1912.08795",
    inputs=TeachersOnly,
    params=DualGanAmalgamationParams,
    result="a model, with report, learning curve and samples of what it learned from",
)
