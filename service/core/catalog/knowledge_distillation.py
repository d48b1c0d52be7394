"""Card of ``knowledge_distillation``: a student learns teachers' answers on images."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import Audience, Family, LayerName, MethodKind, MethodSpec
from service.core.catalog.training import StudentTrainingConfig, TeachersAndImages


class SoftTargets(StrEnum):
    """How answers are compared: cross-entropy at a temperature, or distance of the logits."""

    CROSS_ENTROPY = "cross_entropy"
    ABSOLUTE = "absolute"
    SQUARED = "squared"


class KnowledgeDistillationParams(StudentTrainingConfig):
    """Weights of the parts of the loss, and the student.

    Several teachers' answers are put side by side.
    """

    rate: float = Field(2e-3, gt=0, le=1)
    """Largest learning rate of AdamW; it warms up and falls as a cosine."""
    weight_decay: float = Field(1e-3, ge=0, le=1)
    """Weight decay of AdamW."""
    soft_targets: SoftTargets = SoftTargets.CROSS_ENTROPY
    """How the student's answers are compared with the teachers'."""
    temperature: float = Field(4.0, gt=0, le=100)
    """Of the soft targets of ``cross_entropy``; higher tells more of the unlikely classes."""
    soft_weight: float = Field(1.0, gt=0, le=1000)
    """Weight of the teachers' answers."""
    label_weight: float = Field(0.0, ge=0, le=1000)
    """Weight of the images' own labels, which the teachers must know; 0 needs no labels."""
    attention_weight: float = Field(0.0, ge=0, le=100_000)
    """Weight of looking where the first teacher looks, compared at ``teacher_layer``.

    That must be a layer of rank 3 (channels, rows, columns).
    """
    feature_weight: float = Field(0.0, ge=0, le=100_000)
    """Weight of saying what ``teacher_layer`` says, through a linear map that is learned along."""
    teacher_layer: LayerName | None = None
    """The layer of the first teacher that is compared; None means its feature layer."""


SPEC = MethodSpec(
    name="knowledge_distillation",
    title="A new network that learns the answers of others on images",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Hinton, Vinyals & Dean 2015, arXiv 1503.02531; FitNets, arXiv 1412.6550; attention"
    " transfer, arXiv 1612.03928",
    inputs=TeachersAndImages,
    params=KnowledgeDistillationParams,
    result="a model, with report and learning curve",
)
