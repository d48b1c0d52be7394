"""A training before it is queued: its validated parameters and the rows that its request names."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.core.catalog.training import Student, StudentTrainingConfig, TrainingConfig
from service.core.operations.trainings.teachers import classes_of
from service.core.tables import DatasetRecord, ModelRecord

_NAMED_AT_MOST = 10


@dataclass(frozen=True)
class TrainingPlan:
    """A requested training.

    Attributes:
        dataset: The images to learn from; None for a training without images.
        eval_dataset: The evaluation set; None if a share of ``dataset`` is held out or nothing is
            measured.
        start: The network whose weights the student starts from.
    """

    method: str
    params: TrainingConfig
    teachers: Sequence[ModelRecord]
    dataset: DatasetRecord | None
    eval_dataset: DatasetRecord | None
    start: ModelRecord | None

    @property
    def student(self) -> Student:
        """The student of a method that builds one."""
        assert isinstance(self.params, StudentTrainingConfig), "this method builds a student"
        return self.params.student

    @property
    def teacher_labels(self) -> list[str] | None:
        """The labels of all teachers without repeats; None if a teacher does not name its own."""
        classes = [classes_of(teacher) for teacher in self.teachers]
        if any(names is None for names in classes):
            return None
        return list(dict.fromkeys(label for names in classes for label in names or ()))

    @property
    def student_labels(self) -> list[str] | None:
        """The student's labels; None if they are not known yet."""
        labels = self.student.labels
        return self.teacher_labels if labels is None else list(labels)


def abbreviated(names: Sequence[str]) -> str:
    """The first ten names, and how many more there are."""
    shown = ", ".join(names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown
