"""Card of ``adversarial_distillation``: a student learns a teacher without any image."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import Audience, Family, MethodKind, MethodSpec, ModelId
from service.core.catalog.training import StudentTrainingConfig, TeachersOnly


class Preset(StrEnum):
    """A published recipe: what every parameter is that is not given."""

    DFAD = "dfad"
    DFQ = "dfq"
    FAST_META = "fast_meta"


class Match(StrEnum):
    """How two answers are compared: distance of the logits, or divergence at a temperature."""

    ABSOLUTE = "absolute"
    DIVERGENCE = "divergence"


class AdversarialForm(StrEnum):
    """What the generator gains by a discrepancy D: D itself, or log(1 + D)."""

    LINEAR = "linear"
    LOGARITHMIC = "logarithmic"


class AdversarialImages(StrEnum):
    """On which images the generator looks for discrepancy: all, or where both decide alike."""

    ALL = "all"
    AGREED = "agreed"


class MetaGradient(StrEnum):
    """What the inner steps teach the generator: their gradients, or the way they went."""

    FIRST_ORDER = "first_order"
    REPTILE = "reptile"


class OneTeacherOnly(TeachersOnly):
    """One network to learn from, and no image to learn from."""

    teachers: tuple[ModelId, ...] = Field(min_length=1, max_length=1)
    """The network to learn from."""


class AdversarialDistillationParams(StudentTrainingConfig):
    """The game of student and generator. What is None takes the value of ``preset``.

    One step of the budget is ``imitations`` steps of the student and one of the generator.
    """

    preset: Preset | None = None
    """A published recipe; None takes dfq for a teacher of whole images with batch normalisation,
    else dfad."""
    imitations: int | None = Field(None, ge=1, le=1000)
    """Steps of the student for one of the generator."""
    match: Match | None = None
    """How the student's answers are compared with the teacher's, by both players."""
    temperature: float | None = Field(None, gt=0, le=100)
    """Softens both answers where they are compared as a divergence."""
    adversarial_weight: float | None = Field(None, ge=0, le=1000)
    """What the generator gains by discrepancy; where all weights are 0 it stays as drawn."""
    adversarial_form: AdversarialForm | None = None
    """What a discrepancy D is worth to the generator: D itself, or log(1 + D). A teacher that answers
    pixels makes it logarithmic in every preset."""
    adversarial_images: AdversarialImages | None = None
    """Images whose discrepancy counts for the generator."""
    one_hot_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of images of which the teacher is sure."""
    balance_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of labels that are equally frequent among the images."""
    rescue_balance_weight: float = Field(5.0, ge=0, le=1000)
    """Replaces a smaller ``balance_weight`` once the teacher names few of its labels in three
    counts in a row; 0 never does."""
    batch_norm_weight: float | None = Field(None, ge=0, le=1000)
    """Weight of images with the batch statistics that the teacher remembers."""
    batch_norm_memory: float | None = Field(None, ge=0, lt=1)
    """Share of earlier batches in the statistics that are compared."""
    student_rate: float | None = Field(None, gt=0, le=1)
    """Largest rate of the student's SGD, which has momentum 0.9."""
    weight_decay: float | None = Field(None, ge=0, le=1)
    """Pull of the student's weights towards 0."""
    generator_rate: float | None = Field(None, gt=0, le=1)
    """Largest rate of the generator's Adam."""
    generator_width: int = Field(64, ge=4, le=256)
    """Channels before the generator's last convolution; earlier ones have 2 to 8 times as many."""
    noise_units: int = Field(256, ge=4, le=1024)
    """Numbers that an image is drawn from."""
    generator_average: float | None = Field(None, ge=0, lt=1)
    """Above 0 a moving average of the generator, which keeps this share in every step, draws
    every other batch of the student."""
    pool_images: int | None = Field(None, ge=0, le=100_000)
    """Above 0 every other batch of the student comes from so many earlier images."""
    inner_steps: int | None = Field(None, ge=0, le=500)
    """Above 0 the generator is a start from which so many steps lead to a batch for the pool, and
    the student learns from the pool alone."""
    noise_rate: float | None = Field(None, ge=0, le=1)
    """Rate of the inner steps on the noise; on the copied generator it is ``generator_rate``."""
    meta_gradient: MetaGradient | None = None
    """What the generator learns of its inner steps."""
    warm_up: float | None = Field(None, ge=0, lt=1)
    """Share of the budget in which inner steps fill the pool and the student waits."""


SPEC = MethodSpec(
    name="adversarial_distillation",
    title="A new network that learns another one without any image",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Fang et al. 2019 (DFAD), arXiv 1912.11006; Choi et al. 2020 (DFQ), arXiv 2005.04136;"
    " Fang et al. 2021 (fast meta), arXiv 2112.06253",
    inputs=OneTeacherOnly,
    params=AdversarialDistillationParams,
    result="a model, with report, learning curve and samples of what it learned from",
)
