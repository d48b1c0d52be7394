"""Card of ``knowledge_distillation``: a student learns teachers' answers on images."""

from enum import StrEnum

from pydantic import Field

from service.core.catalogue.card import Audience, Family, MethodCard
from service.core.catalogue.training import StudentCourse, TeachersAndImages


class SoftTargets(StrEnum):
    """How answers are compared: cross-entropy at a temperature, or distance of the logits."""

    CROSS_ENTROPY = "cross_entropy"
    ABSOLUTE = "absolute"
    SQUARED = "squared"


class KnowledgeDistillationParams(StudentCourse):
    """Weights of the parts of the loss, and the student.

    Several teachers' answers are put side by side. ``label_weight`` asks for labels that the
    teachers know. ``attention_weight`` compares where the student's last block and the first
    teacher's ``teacher_layer`` look, which must be a layer of rank 3 (channels, rows, columns).
    ``feature_weight`` compares what they say, through a linear map that is learned along.
    ``teacher_layer`` None means the teacher's feature layer.
    """

    rate: float = Field(2e-3, gt=0, le=1)
    weight_decay: float = Field(1e-3, ge=0, le=1)
    soft_targets: SoftTargets = SoftTargets.CROSS_ENTROPY
    temperature: float = Field(4.0, gt=0, le=100)
    soft_weight: float = Field(1.0, gt=0, le=1000)
    label_weight: float = Field(0.0, ge=0, le=1000)
    attention_weight: float = Field(0.0, ge=0, le=100_000)
    feature_weight: float = Field(0.0, ge=0, le=100_000)
    teacher_layer: str | None = Field(None, max_length=300)


CARD = MethodCard(
    name="knowledge_distillation",
    title="A new network that learns the answers of others on images",
    family=Family.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Hinton, Vinyals & Dean 2015, arXiv 1503.02531; FitNets, arXiv 1412.6550; attention"
    " transfer, arXiv 1612.03928",
    inputs=TeachersAndImages,
    params=KnowledgeDistillationParams,
    result="a model, with report and learning curve",
)
