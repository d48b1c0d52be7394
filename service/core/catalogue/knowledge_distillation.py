"""Card of ``knowledge_distillation``: a student learns a teacher's answers on images."""

from pydantic import Field

from service.core.catalogue.card import Audience, Family, Inputs, MethodCard
from service.core.catalogue.training import Course, Student


class KnowledgeDistillationInputs(Inputs):
    """The classifier that teaches, and the images it is asked about; labels are not needed."""

    teacher_id: str
    dataset_id: str


class KnowledgeDistillationParams(Course):
    """Weights of the parts of the loss, and the student.

    ``label_weight`` asks for labels that the teacher knows. ``attention_weight`` compares where
    the student's last stage and the teacher's ``teacher_layer`` look, which must be a layer of
    rank 3 (channels, rows, columns). ``feature_weight`` compares what they say, through a linear
    map that is learned along. ``teacher_layer`` None means the teacher's feature layer.
    """

    temperature: float = Field(4.0, gt=0, le=100)
    soft_weight: float = Field(1.0, gt=0, le=1000)
    label_weight: float = Field(0.0, ge=0, le=1000)
    attention_weight: float = Field(0.0, ge=0, le=100_000)
    feature_weight: float = Field(0.0, ge=0, le=100_000)
    teacher_layer: str | None = Field(None, max_length=300)
    student: Student = Student()


CARD = MethodCard(
    name="knowledge_distillation",
    title="A new network that learns a classifier's answers on images",
    family=Family.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Hinton, Vinyals & Dean 2015, arXiv 1503.02531; FitNets, arXiv 1412.6550; attention"
    " transfer, arXiv 1612.03928",
    inputs=KnowledgeDistillationInputs,
    params=KnowledgeDistillationParams,
    result="a model, with report and learning curve",
)
