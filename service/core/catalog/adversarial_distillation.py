"""Specification of ``adversarial_distillation``: a student learns from a teacher without images."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobLane,
    MethodKind,
    MethodSpec,
)
from service.core.catalog.training import StudentTrainingConfig, TeachersOnly
from service.core.ids import ModelId


class Preset(StrEnum):
    """Published recipe that sets every parameter that you leave out."""

    DFAD = "dfad"
    DFQ = "dfq"
    FAST_META = "fast_meta"


class Match(StrEnum):
    """Distance of outputs: absolute difference of logits, or divergence at a temperature."""

    ABSOLUTE = "absolute"
    DIVERGENCE = "divergence"


class AdversarialForm(StrEnum):
    """Gain of the generator from a discrepancy D: D itself, or log(1 + D)."""

    LINEAR = "linear"
    LOGARITHMIC = "logarithmic"


class AdversarialImages(StrEnum):
    """Images on which discrepancy counts: all, or those that both networks classify alike."""

    ALL = "all"
    AGREED = "agreed"


class MetaGradient(StrEnum):
    """Update of the generator from its inner steps: by gradients, or by displacement."""

    FIRST_ORDER = "first_order"
    REPTILE = "reptile"


class OneTeacherOnly(TeachersOnly):
    """One network to learn from, and no images to learn from."""

    teachers: tuple[ModelId, ...] = Field(min_length=1, max_length=1)
    """The network to learn from."""


class AdversarialDistillationParams(StudentTrainingConfig):
    """Settings of student and generator. None takes the value of ``preset``.

    One step of the budget is ``imitations`` steps of the student and one of the generator.
    """

    preset: Preset | None = None
    """Published recipe; None uses dfq for a classifier of whole images with batch normalization,
    otherwise dfad."""
    imitations: int | None = Field(None, ge=1, le=1000)
    """Student steps per generator step."""
    match: Match | None = None
    """Distance between the outputs of student and teacher, for both networks."""
    temperature: float | None = Field(None, gt=0, le=100)
    """Softmax temperature of both outputs where the student's divergence is compared."""
    generator_temperature: float | None = Field(None, gt=0, le=100)
    """The same for the divergence that the generator is rewarded for."""
    adversarial_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of the discrepancy in the generator loss; if all weights are 0, the generator is not
    trained."""
    adversarial_form: AdversarialForm | None = None
    """Gain of the generator from a discrepancy D: D itself, or log(1 + D). For a teacher that
    predicts pixels, every preset uses the logarithm."""
    adversarial_images: AdversarialImages | None = None
    """Images whose discrepancy counts in the generator loss."""
    one_hot_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of the one-hot loss; favors images that the teacher classifies confidently."""
    balance_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of the balance loss; favors equally frequent labels over a batch."""
    rescue_balance_weight: float = Field(5.0, ge=0, le=1000)
    """Balance weight that replaces a smaller ``balance_weight`` after three checks in a row with
    few distinct labels; 0 turns it off."""
    batch_norm_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of the batch-norm loss; favors images whose batch statistics match the teacher's
    running statistics."""
    batch_norm_memory: float | None = Field(None, ge=0, lt=1)
    """Share of earlier batches in the compared statistics."""
    student_learning_rate: float | None = Field(None, gt=0, le=1)
    """Peak learning rate of the student's SGD with momentum 0.9."""
    weight_decay: float | None = Field(None, ge=0, le=1)
    """Weight decay of the student."""
    generator_learning_rate: float | None = Field(None, gt=0, le=1)
    """Peak learning rate of the generator's Adam."""
    generator_width: int = Field(64, ge=4, le=256)
    """Number of channels before the generator's last convolution; earlier ones have 2 to 8 times as
    many."""
    noise_units: int = Field(256, ge=4, le=1024)
    """Dimension of the noise vector of an image."""
    generator_average: float | None = Field(None, ge=0, lt=1)
    """Decay of a moving average of the generator that produces every other student batch; 0 turns
    it off."""
    pool_images: int | None = Field(None, ge=0, le=100_000)
    """Number of earlier images in the pool that provides every other student batch; 0 turns it
    off."""
    crop_and_flip: bool | None = None
    """Whether every image that the student draws from the pool is cropped at random and half of them
    are flipped; the teacher answers the changed image."""
    inner_steps: int | None = Field(None, ge=0, le=500)
    """Optimization steps from the generator's initialization to a batch for the pool; above 0 the
    student learns from the pool alone."""
    noise_learning_rate: float | None = Field(None, ge=0, le=1)
    """Learning rate of the inner steps on the noise; the copied generator uses
    ``generator_learning_rate``."""
    meta_gradient: MetaGradient | None = None
    """Update of the generator from its inner steps."""
    warm_up: float | None = Field(None, ge=0, lt=1)
    """Share of the budget in which inner steps fill the pool before the student learns."""


SPEC = MethodSpec(
    name="adversarial_distillation",
    title="Distill a network into a new one without images",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=3,
    source="Fang et al. 2019 (DFAD), arXiv 1912.11006; Choi et al. 2020 (DFQ), arXiv 2005.04136;"
    " Fang et al. 2021 (fast meta), arXiv 2112.06253",
    inputs=OneTeacherOnly,
    params=AdversarialDistillationParams,
    result="a model, with report, learning curve and samples of the generated images",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
