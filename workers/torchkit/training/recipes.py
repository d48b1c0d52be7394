"""The parameters that a training ran with, complete enough to repeat it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from service.core.catalog.training import Student, StudentTrainingConfig, TrainingConfig
from service.core.manifest import InputSpec


def params_that_ran(
    config: TrainingConfig,
    chosen: Mapping[str, Any],
    *,
    spec: InputSpec,
    labels: Sequence[str],
) -> dict[str, Any]:
    """Every parameter with the value that it had, as JSON values; the same values repeat the run.

    Args:
        chosen: Values of parameters that the request left out.
        spec: Input of the student.
        labels: Outputs of the student.
    """
    params = {**config.model_dump(mode="json"), **chosen}
    if isinstance(config, StudentTrainingConfig):
        params["student"] = _student_that_ran(config.student, spec, labels)
    return type(config).model_validate(params).model_dump(mode="json")


def _student_that_ran(student: Student, spec: InputSpec, labels: Sequence[str]) -> dict[str, Any]:
    """The student with its size and labels, where a request can state them.

    Sides that differ or are out of range, and labels that are too long, follow the teachers again.
    """
    values = student.model_dump(mode="json")
    if spec.height == spec.width:
        values = _stated(values, "image_size", spec.height)
    return _stated(values, "labels", list(labels))


def _stated(values: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    try:
        return Student.model_validate({**values, name: value}).model_dump(mode="json")
    except ValidationError:
        return values
