"""Specification of ``knowledge_distillation``: a student learns from its teachers on images."""

from enum import StrEnum

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobLane,
    LayerName,
    MethodKind,
    MethodSpec,
)
from service.core.catalog.training import SharedLabels, StudentTrainingConfig, TeachersAndImages


class SoftTargets(StrEnum):
    """Comparison of outputs: cross-entropy at a temperature, or distance of the logits."""

    CROSS_ENTROPY = "cross_entropy"
    ABSOLUTE = "absolute"
    SQUARED = "squared"


class KnowledgeDistillationParams(StudentTrainingConfig):
    """Loss weights and the student.

    Several teachers give one target for each label.
    """

    learning_rate: float = Field(2e-3, gt=0, le=1)
    """Peak learning rate of AdamW; it warms up and then follows a half cosine to 0."""
    weight_decay: float = Field(1e-3, ge=0, le=1)
    """Weight decay of AdamW."""
    soft_targets: SoftTargets = SoftTargets.CROSS_ENTROPY
    """Comparison of the student's outputs with the teachers'."""
    temperature: float = Field(4.0, gt=0, le=100)
    """Softmax temperature of the soft targets; higher values reveal more about unlikely classes.
    For ``cross_entropy``."""
    shared_labels: SharedLabels = SharedLabels.PROBABILITIES
    """Target of a label that several teachers have; one teacher needs no rule."""
    distillation_weight: float = Field(1.0, gt=0, le=1000)
    """Weight of the teachers' outputs."""
    label_weight: float = Field(0.0, ge=0, le=1000)
    """Weight of the images' own labels, which the teachers must know; 0 needs no labels."""
    attention_weight: float = Field(0.0, ge=0, le=100_000)
    """Weight of matching the first teacher's attention map at ``teacher_layer``.

    The layer must have shape (channels, rows, columns).
    """
    feature_weight: float = Field(0.0, ge=0, le=100_000)
    """Weight of predicting the features of ``teacher_layer`` through a learned linear map."""
    teacher_layer: LayerName | None = None
    """Layer of the first teacher to match; None means its feature layer."""


SPEC = MethodSpec(
    name="knowledge_distillation",
    title="Distill one or several networks into a new one on images",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=3,
    source="Hinton, Vinyals & Dean 2015, arXiv 1503.02531; FitNets, arXiv 1412.6550; attention"
    " transfer, arXiv 1612.03928",
    inputs=TeachersAndImages,
    params=KnowledgeDistillationParams,
    result="a model, with report and learning curve",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
